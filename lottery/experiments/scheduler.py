"""A worker: takes the next untrained population, trains it, keeps what came of it, until nothing that is asked for is missing.

Any number of workers share a store. Each looks for experiments whose parents are done, takes a few that go into one batch
under locks, the longest chains first, and never waits for another while there is something to do.
"""

import functools
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from math import ceil

import numpy as np
import torch

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data.catalogue import load
from lottery.data.datasets import Dataset
from lottery.experiments.batch import Batch
from lottery.experiments.experiment import Experiment, begin, carry, dense_of, dissect, key, kind, parent, rungs_of
from lottery.experiments.searches import Search
from lottery.experiments.seeking import seek
from lottery.models.architectures import network
from lottery.models.cost import training_cost
from lottery.models.evaluation import untrained_scores
from lottery.models.layout import Layout
from lottery.store.store import Record, Store
from lottery.training import fit
from lottery.training.config import Setting
from lottery.training.learned_masks import Bernoulli, TopK
from lottery.training.parametrisation import Identity, Parametrisation

PATIENCE = 0.02  # seconds between two looks at what the others have finished
CACHE_FLOATS = 370_000  # parameters and activations of one batch that a processor core's caches can hold, roughly
COPIES = 12  # blocks (R, P) that a training needs at most at one time, temporaries included


class Worker:
    """Computes experiments into a store.

    `workers` is how many share the work; `watch` is told about the batch in progress, `steps` counts finished network-steps.
    """

    def __init__(
        self,
        store: Store,
        device: str,
        precision: str,
        workers: int = 1,
        watch: Callable[[Batch], None] = lambda batch: None,
    ):
        self.store, self.device, self.precision, self.workers, self.watch = store, device, precision, workers, watch
        self.entries: dict[Experiment, Record] = {}  # what was asked for, without its arrays
        self.failed: dict[Experiment, str] = {}
        self.steps = 0
        self._took: dict[tuple, float] = {}  # the longest time that a batch of a kind took, in seconds
        self._keys: dict[Experiment, str] = {}
        self._parents: dict[Experiment, Experiment | None] = {}
        self._others: dict[Experiment, Record | None] = {}

    def data(self, setting: Setting) -> Dataset:
        """Return the data set of a setting on this worker's device; of a task the first seed's samples, which stay on the processor."""
        return load(setting.dataset, self.device)

    def key(self, one: Experiment) -> str:
        """Return the experiment's name in the store."""
        if one not in self._keys:
            self._keys[one] = key(one, self.data(one.setting), self.precision)
        return self._keys[one]

    def parent(self, one: Experiment) -> Experiment | None:
        """Return the experiment that this one rests on, worked out once."""
        if one not in self._parents:
            self._parents[one] = parent(one)
        return self._parents[one]

    def record(self, one: Experiment) -> Record | None:
        """Return the record of an experiment, asked for or not, without its arrays; None if it is not in the store."""
        if one not in self.entries and one not in self._others:
            found = self.store.read_or_set_aside(self.key(one))
            self._others[one] = found and Record(found.measurements, made=found.made)
        return self.entries.get(one) or self._others.get(one)

    def missing(self, asked: Iterable[Experiment]) -> set[Experiment]:
        """Return what must be computed so that all that is asked for is there; sound entries that are asked for are read."""
        missing: set[Experiment] = set()
        for one in asked:
            if one not in self.entries and not self._read(one):
                self._add(missing, one)
        return missing

    def work(
        self,
        asked: Iterable[Experiment],
        deadline: float | None = None,
        finished: Callable[[int], None] = lambda steps: None,
        turns: Mapping[Experiment, int] | None = None,
    ) -> None:
        """Compute until each experiment asked for is in `entries` or in `failed`, or until `deadline`, a time.time().

        Nothing is started that would not be done by then, judging by how long the like of it took. `finished` is told the
        network-steps done so far after each batch. `turns` says what comes first, by smaller numbers; without it the longest
        chains do, which keeps all workers busy to the end.
        """
        asked = set(asked)
        missing = self.missing(asked)
        if missing:
            self.store.check_writable()
        while missing:
            self._collect(missing, asked)
            if deadline is not None and time.time() > deadline:
                return
            ready = self._ready(missing, turns or {})
            fitting = [
                batch
                for batch in ready
                if deadline is None or time.time() + self._took.get(kind(batch[0]), 0) <= deadline
            ]
            if ready and not fitting:
                return
            if any(self._take(batch, missing) for batch in fitting):
                finished(self.steps)
            elif missing:
                time.sleep(PATIENCE)  # what is left is being computed by other workers, or hangs on it

    def _take(self, ready: list[Experiment], missing: set[Experiment]) -> bool:
        """Compute a few experiments of one kind, those that no other worker has; return whether there were any."""
        with self.store.acquire([self.key(one) for one in ready], self.at_most(ready)) as claimed:
            mine = [one for one in ready if self.key(one) in claimed]
            if mine:
                self._compute(mine, missing)
        return bool(mine)

    def _read(self, one: Experiment) -> bool:
        entry = self.store.read_or_set_aside(self.key(one))
        if entry is not None:
            self.entries[one] = Record(entry.measurements, made=entry.made)
        return entry is not None

    def _add(self, missing: set[Experiment], one: Experiment) -> None:
        """Add an experiment, and its parents as far as they are not in the store."""
        missing.add(one)
        before = self.parent(one)
        if before is not None and before not in missing and not self.store.has(self.key(before)):
            self._add(missing, before)

    def _collect(self, missing: set[Experiment], asked: set[Experiment]) -> None:
        """Take out of `missing` what has been finished, by whomever, and what cannot be had because a parent failed."""
        there = self.store.keys()
        for one in list(missing):
            before = self.parent(one)
            if before in self.failed:
                self.failed[one] = self.failed[before]
            elif self.key(one) in there:
                if one in asked and not self._read(one):
                    continue
            elif one not in self.failed:
                continue
            missing.discard(one)

    def _ready(self, missing: set[Experiment], turns: Mapping[Experiment, int]) -> list[list[Experiment]]:
        """Return what can be computed now, by kinds that go into one batch: by turns, and in each the longest ways to go first."""
        heights: dict[Experiment, int] = {}
        for one in missing:
            height, ancestor = one.steps, one
            while ancestor in missing and heights.get(ancestor, -1) < height:
                heights[ancestor] = height
                ancestor = self.parent(ancestor)
                height += ancestor.steps if ancestor else 0
        ready = sorted(
            (one for one in missing if self.parent(one) not in missing),
            key=lambda one: (turns.get(one, 0), -heights[one], one.arm.name, one.round, one.seed),
        )
        kinds: dict[tuple, list[Experiment]] = {}
        for one in ready:
            kinds.setdefault(kind(one), []).append(one)
        return list(kinds.values())

    def at_most(self, ready: list[Experiment]) -> int:
        """Return how many experiments to take: no more than a fair share, nor than pay in one batch."""
        setting = ready[0].setting
        size = network(setting.network).layout.size
        activations = training_cost(network(setting.network), setting.config.batch_size).activations
        if self.device == "cpu":
            pays = max(1, CACHE_FLOATS // (size + activations // 4))
        else:
            torch.cuda.empty_cache()  # what torch keeps for itself counts as used otherwise
            pays = max(1, int(torch.cuda.mem_get_info(self.device)[0] * 0.8) // (4 * COPIES * size + activations))
        return min(pays, ceil(len(ready) / self.workers))

    def _compute(self, mine: list[Experiment], missing: set[Experiment]) -> None:
        """Compute a batch and keep it. An experiment that cannot be set up fails alone."""
        prepared, started = [], time.perf_counter()
        for one in mine:
            sources = self._sources(one, missing)
            if sources is None:
                continue
            try:
                prepared.append((one, prepare(one, *sources)))
            except LotteryError as error:
                self.failed[one] = str(error)
        if prepared:
            entries = self._computation(prepared[0][0])(prepared)
            seconds = (time.perf_counter() - started) / len(prepared)
            self._took[kind(prepared[0][0])] = max(self._took.get(kind(prepared[0][0]), 0), seconds * len(prepared))
            for one, entry in entries:
                self.store.write(self.key(one), Record(entry.measurements, entry.arrays, self._made(one, seconds)))
                self.steps += one.steps

    def _computation(self, one: Experiment | Search) -> Callable:
        """Return what makes entries of a batch of such experiments."""
        if isinstance(one, Search):
            return functools.partial(self._what_fits, self._seek)
        if one.arm.trained:
            return functools.partial(self._what_fits, self._train)
        return look_at if one.arm.dissected else self._evaluate

    def _sources(self, one: Experiment, missing: set[Experiment]) -> list[Record | None] | None:
        """Return the records that an experiment is prepared from, its parent's first; None if one has to be computed again."""
        before = [self.parent(one), dense_of(one)] if one.arm.dissected else [self.parent(one)]
        sources = [one and self.store.read_or_set_aside(self.key(one)) for one in before]
        lost = [
            one for one, source in zip(before, sources) if one and source is None
        ]  # its file was damaged, or never came along
        for ancestor in lost:
            self._add(missing, ancestor)
        return None if lost else sources

    def _made(self, one: Experiment, seconds: float) -> dict[str, object]:
        name = torch.cuda.get_device_name(self.device) if self.device != "cpu" else "cpu"
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return {"what": one.name, "seconds": seconds, "device": name, "torch": torch.__version__, "date": now}

    def _what_fits(
        self, compute: Callable, prepared: list[tuple[Experiment, tuple]]
    ) -> list[tuple[Experiment, Record]]:
        """Return the entries of a batch, in halves where a GPU's memory does not hold it whole: others may use that GPU, too."""
        try:
            return compute(prepared)
        except torch.cuda.OutOfMemoryError:
            if len(prepared) == 1:
                name = prepared[0][0].setting.network
                raise LotteryError(
                    f"the memory of {self.device} does not hold a single {name}; free some, or use --device cpu"
                ) from None
        torch.cuda.empty_cache()
        middle = len(prepared) // 2
        return self._what_fits(compute, prepared[:middle]) + self._what_fits(compute, prepared[middle:])

    def _train(self, prepared: list[tuple[Experiment, tuple]]) -> list[tuple[Experiment, Record]]:
        """Return the entries of a batch of experiments, each prepared as its masks and its start."""
        prepared = sorted(prepared, key=lambda pair: pair[0].setting.config.learning_rate)
        setting = prepared[0][0].setting
        layout = network(setting.network).layout
        replicas = []
        for one, (masks, start) in prepared:
            order = (one.seed, "data order", one.round if setting.config.data_order == "fresh" else 0)
            replicas.append(fit.Replica(start, layout.trainable(masks), order, one.setting.config.learning_rate))
        experiments = [one for one, _ in prepared]
        self.watch(Batch(experiments, 0))
        outcomes = fit.train(
            setting.network,
            self.data(setting),
            setting.config,
            replicas,
            lambda iteration: self.watch(Batch(experiments, iteration)),
            parametrisation(experiments, layout),
        )
        results = []
        for (one, (masks, start)), outcome in zip(prepared, outcomes):
            try:
                results.append((one, Record(outcome.measurements, carry(one, masks, start, outcome.final))))
            except LotteryError as error:
                self.failed[one] = str(error)
        return results

    def _seek(self, prepared: list[tuple[Search, None]]) -> list[tuple[Search, Record]]:
        """Return the entries of a population of searches, each with its mask as bits."""
        searches, results = [one for one, _ in prepared], []
        self.watch(Batch(searches, 0))
        for one, outcome in zip(searches, seek(searches, self.device, lambda step: self.watch(Batch(searches, step)))):
            if isinstance(outcome, str):
                self.failed[one] = outcome
            else:
                results.append((one, Record(outcome[0], {"mask": np.packbits(outcome[1].numpy())})))
        return results

    def _evaluate(self, prepared: list[tuple[Experiment, list]]) -> list[tuple[Experiment, Record]]:
        """Return the entries of untrained experiments, each prepared as masks and start of every rung."""
        results = []
        for one, rungs in prepared:
            self.watch(Batch([one], 0))
            layout, data = network(one.setting.network).layout, self.data(one.setting)
            accuracies = [untrained_scores(one.setting.network, data, [layout.join(start)])[0] for _, start in rungs]
            measurements = {"test_accuracy_start": accuracies, "accuracy_step": 100 / len(data.test.images)}
            results.append((one, Record(measurements)))
        return results


def prepare(one: Experiment | Search, source: Record | None, dense: Record | None = None) -> object:
    """Return what the computing of an experiment starts from: masks and start, or those of every rung, or an anatomy; of a search nothing."""
    if isinstance(one, Search):
        return None
    if one.arm.trained:
        return begin(one, source)
    return dissect(one, source, dense) if one.arm.dissected else rungs_of(one, source)


def look_at(prepared: list[tuple[Experiment, dict]]) -> list[tuple[Experiment, Record]]:
    """Return the entries of dissected experiments, each prepared as its measurements."""
    return [(one, Record(measurements)) for one, measurements in prepared]


def parametrisation(experiments: list[Experiment], layout: Layout) -> Callable[[torch.Tensor], Parametrisation]:
    """Return how the parameters of a batch of one kind are trained: themselves, or through the logits of a mask."""
    arm = experiments[0].arm
    if not arm.supermask:
        return Identity
    streams = [stream(one.seed, "supermask") for one in experiments]
    if arm.supermask == "top-k":
        return functools.partial(TopK, layout=layout, streams=streams, shares=[arm.share] * len(experiments))
    return functools.partial(
        Bernoulli, layout=layout, streams=streams, logit=arm.logit, rescaled=arm.supermask.endswith("rescaled")
    )
