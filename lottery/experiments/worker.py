"""A worker: takes the next untrained population, trains it, keeps what came of it, until nothing is missing.

Any number of workers share a store. Each takes a few experiments that go into one batch under locks, the longest chains
first, and never waits for another while there is something to do.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import accumulate, islice
from math import ceil, inf

import torch

from lottery.core.devices import CPU, description
from lottery.data import catalogue
from lottery.data.datasets import Dataset
from lottery.experiments import own_networks
from lottery.experiments.all_parts import batch_key, parents, with_ancestors
from lottery.experiments.attempts import Attempts, condemned, suspects
from lottery.experiments.batch import Batch
from lottery.experiments.computing import compute
from lottery.experiments.experiment import Experiment
from lottery.experiments.keys import Inputs, Others, inputs, key, other_data
from lottery.experiments.memory import fitting, working_set
from lottery.experiments.network_data import data_of
from lottery.experiments.parts import Sources
from lottery.experiments.population import Population
from lottery.experiments.queue import Queue
from lottery.experiments.soundness import unsound
from lottery.experiments.speeds import Speeds
from lottery.store.store import Record, Store
from lottery.training.config import Setting

PATIENCE = 0.02  # seconds before the second look at what the others have finished; then ever longer, up to
LONGEST = 1.0
CACHE_FLOATS = 370_000  # parameters and activations of one batch that a processor core's caches can hold, roughly
PART = 0.5  # of the time left that several networks together may take: what is late is lost, and loads change
TELLING = 0.05  # of a batch that has to be done before its speed so far says how long all of it takes


class OutOfTime(Exception):
    """The deadline came in the middle of a batch, which is given up."""


class Worker:
    """Computes experiments into a store.

    `workers` share the work, and `sharing` of them a GPU; `watch` is told about the batch in progress, `wait` how many
    experiments other processes are waited for, `attempts` what is begun; `steps` and `computed` count
    network-steps and experiments that it finished.
    `speeds` says how long networks take, and learns it.
    """

    def __init__(
        self,
        store: Store,
        device: str,
        precision: str,
        workers: int = 1,
        watch: Callable[[Batch], None] = lambda batch: None,
        sharing: int = 1,
        wait: Callable[[int], None] = lambda experiments: None,
        attempts: Attempts | None = None,
        speeds: Speeds | None = None,
    ):
        self.store, self.device, self.precision, self.workers, self.watch = store, device, precision, workers, watch
        self.sharing, self.wait, self.attempts = sharing, wait, attempts or Attempts()
        self.entries: dict[Experiment, Record] = {}  # what was asked for, without its arrays
        self.failed: dict[Experiment, str] = {}
        self.steps = self.computed = 0
        self.speeds = speeds or Speeds()
        self._deadline: float | None = None
        self._took: dict[Hashable, float] = {}  # the longest time that a batch of a kind took, in seconds
        self._loaded: set[str] = set()  # data sets that a batch was computed on
        self._keys: dict[Experiment, str] = {}
        self._others: dict[Experiment, Record | None] = {}
        self._patience = PATIENCE

    def data(self, setting: Setting) -> Dataset:
        """Return a setting's data set on this worker's device; of a made task the first seed's samples."""
        return data_of(setting, self.device)

    def fingerprint(self, setting: Setting) -> str:
        """Return the fingerprint of a setting's data set; it is read for that, but not prepared for training."""
        return catalogue.fingerprint(setting.dataset)

    def key(self, experiment: Experiment) -> str:
        """Return the experiment's name in the store."""
        if experiment not in self._keys:
            self._keys[experiment] = key(experiment, *self._on(experiment))
        return self._keys[experiment]

    def inputs(self, experiment: Experiment) -> Inputs:
        """Return what the experiment's result depends on, beside its round and its seed."""
        return inputs(experiment, *self._on(experiment))

    def _on(self, experiment: Experiment) -> tuple[str, str, Others]:
        """Return the fingerprints of the data, the precision, and the fingerprints of other data."""
        others = tuple((name, catalogue.fingerprint(name)) for name in other_data(experiment.arm))
        return self.fingerprint(experiment.setting), self.precision, others

    def record(self, experiment: Experiment) -> Record | None:
        """Return the record of an experiment, asked for or not, without its arrays; None if it is not in the store."""
        if experiment not in self.entries and experiment not in self._others:
            found = self._stored(experiment)
            self._others[experiment] = found and Record(found.measurements, made=found.made)
        return self.entries.get(experiment) or self._others.get(experiment)

    def missing(self, asked: Iterable[Experiment]) -> set[Experiment]:
        """Return what must be computed so that all that is asked for is there; what is there of it is read."""
        open_ends = [one for one in asked if one not in self.entries and not self._read(one)]
        missing = set(open_ends)
        while open_ends:
            for parent in parents(open_ends.pop()):
                if parent not in missing and not self.has(parent):
                    missing.add(parent)
                    open_ends.append(parent)
        return missing

    def needs(self, asked: Mapping[str, Iterable[Experiment]]) -> dict[str, set[Experiment]]:
        """Return for each name what must be computed so that all that it asks for is there."""
        wanted = {name: list(experiments) for name, experiments in asked.items()}
        missing = self.missing(dict.fromkeys(one for experiments in wanted.values() for one in experiments))
        return {name: set(with_ancestors(experiments, missing)) for name, experiments in wanted.items()}

    def work(
        self,
        asked: Iterable[Experiment],
        deadline: float | None = None,
        finished: Callable[[int], None] = lambda steps: None,
        turns: Mapping[Experiment, int] | None = None,
    ) -> None:
        """Compute until each experiment asked for is in `entries` or in `failed`, or until `deadline`.

        That is a time.monotonic(), which all processes of a machine share and no clock that is set puts back.

        Nothing is started that would not be done by then, judging by how long the like of it took; what is not done
        then all the same is given up. `finished` is told the network-steps done so far after each batch. `turns` says
        what comes first, by smaller numbers; without it the longest chains do, which keeps all workers busy to the end.
        """
        asked, first, self._deadline = list(dict.fromkeys(asked)), turns or {}, deadline
        while absent := [
            one for one in asked if one not in self.failed and one not in self.entries and not self._read(one)
        ]:
            self.store.check_writable()
            queue: Queue[Experiment] = Queue(
                parents, batch_key, lambda one: one.steps, _name, lambda one: first.get(one, 0)
            )
            queue.add(absent, self.has)
            gc.freeze()  # what is planned stays: the collector would walk all of it in the middle of a turn
            try:
                while queue:
                    if self._left() < 0 or not self._turn(queue, finished):
                        return
            except OutOfTime:
                return
            finally:
                gc.unfreeze()
                self.speeds.keep()
            self.failed |= queue.failed

    def _left(self) -> float:
        """Return the seconds until the deadline."""
        return inf if self._deadline is None else self._deadline - time.monotonic()

    def _turn(self, queue: Queue[Experiment], finished: Callable[[int], None]) -> bool:
        """Return whether to go on, after a batch or a short wait; not if nothing fits before the deadline."""
        for one in queue.held():
            if self.has(one):
                queue.finish(one)
        deaths = self.attempts.deaths()
        self._give_up(queue, condemned(deaths))
        alone, tried, fitting = suspects(deaths), False, False
        for batch in queue.batches():
            tried = True
            if self._deadline is None or self._in_time(queue, batch):
                fitting = True
                if self._take(queue, batch, alone):
                    self._patience = PATIENCE
                    finished(self.steps)
                    return True
        if tried and not fitting:
            return False
        if queue:  # what is left is being computed by other workers, or depends on it
            self.wait(len(queue))
            time.sleep(self._patience)
            self._patience = min(1.2 * self._patience, LONGEST)
            for one in queue.held():
                queue.release(one)  # unless they were stopped
        return True

    def _in_time(self, queue: Queue[Experiment], batch: Hashable) -> int:
        """Return how many of the first experiments of a batch would be done by the deadline, of those that pay in one.

        On a processor fewer of them take less time, and several are to take a part of it only; on a GPU all are done in
        time or none.
        """
        first = next(queue.ready(batch), None)
        most = 0 if first is None else self.at_most(first, queue.count(batch))
        if self._deadline is None:
            return most
        left = self._left()
        lasting = [self.speeds.longest([one]) for one in islice(queue.ready(batch), most)]
        if self.device == CPU:
            several = sum(reached <= PART * left for reached in accumulate(lasting))
            return several or int(bool(lasting) and lasting[0] <= left)
        return most if max(sum(lasting), self._took.get(batch, 0.0)) <= left else 0

    def _give_up(self, queue: Queue[Experiment], lost: Mapping[str, str]) -> None:
        """Fail what one process after the other has died of."""
        for batch in list(queue.batches()) if lost else ():
            for one in list(queue.ready(batch)):
                if why := lost.get(_subject(one)):
                    queue.fail(one, why)

    def _take(self, queue: Queue[Experiment], batch: Hashable, alone: Collection[str] = ()) -> bool:
        """Compute a few experiments of one batch, those that no other worker has; return whether there were any.

        Of those whose keys are in `alone`, each is computed by itself.
        """
        tried: dict[str, Experiment] = {}

        first = next(queue.ready(batch), None)
        single = first is not None and self.key(first) in alone

        def open_keys() -> Iterator[str]:
            for one in queue.ready(batch):
                if self.has(one):
                    queue.finish(one)
                elif single or self.key(one) not in alone:
                    tried[self.key(one)] = one
                    yield self.key(one)

        at_most = 1 if first is None or single else max(1, self._in_time(queue, batch))
        with self.store.acquire(open_keys(), at_most) as acquired:
            mine = [tried.pop(key) for key in acquired]
            for one in tried.values():
                queue.hold(one)
            if mine:
                started = time.perf_counter()
                self.attempts.begin({self.key(one): _subject(one) for one in mine})
                try:
                    self._compute(mine, queue)
                finally:
                    self.attempts.end()
                took = time.perf_counter() - started
                self._took[batch] = max(self._took.get(batch, 0.0), took)
                self._learn(mine, took)
        return bool(mine)

    def _learn(self, experiments: list[Experiment], seconds: float) -> None:
        """Take how long a batch took; not of the first on its data, which had to be read, if its like is known."""
        data = experiments[0].setting.dataset
        if data in self._loaded or not all(map(self.speeds.knows, experiments)):
            self.speeds.learn(experiments, seconds)
        self._loaded.add(data)

    def _watch(self, experiments: list[Experiment], iteration: int, started: float) -> None:
        """Tell how far a batch is, and give it up if its time is over."""
        batch = Batch(experiments, iteration)
        self.watch(batch)
        if self._left() < 0:
            if batch.share > TELLING:
                self.speeds.learn(experiments, (time.perf_counter() - started) / batch.share)
            raise OutOfTime

    def _read(self, experiment: Experiment) -> bool:
        entry = self._stored(experiment)
        if entry is not None:
            self.entries[experiment] = Record(entry.measurements, made=entry.made)
        return entry is not None

    def _stored(self, experiment: Experiment) -> Record | None:
        """Return the record in the store; one that is damaged, or no record of this experiment, is set aside."""
        key = self.key(experiment)
        record = self.store.read_or_set_aside(key)
        if record is not None and (wrong := unsound(experiment, record)):
            self.store.set_aside(key, f"the store's entry {key} is no record of {experiment.name}: {wrong}")
            return None
        return record

    def has(self, experiment: Experiment) -> bool:
        """Return whether an experiment's record is in the store, whoever computed it."""
        return self.store.has(self.key(experiment))

    def at_most(self, first: Experiment, ready: int) -> int:
        """Return how many of so many ready experiments to take: at most a fair share, and what pays in one batch."""
        if self.device == CPU:
            pays = max(1, CACHE_FLOATS // working_set(first))
        else:
            pays = fitting(first, self.device, self.sharing)
        return min(pays, ceil(ready / self.workers))

    def _compute(self, mine: list[Experiment], queue: Queue[Experiment]) -> None:
        """Compute a batch and keep it. An experiment that cannot be set up fails alone, and all that rests on it."""
        sources = {one: found for one in mine if (found := self._sources(one, queue)) is not None}
        if not sources:
            return
        experiments, started = list(sources), time.perf_counter()
        self._watch(experiments, 0, started)
        population = Population(experiments, self.device, lambda steps: self._watch(experiments, steps, started))
        try:
            with own_networks.failures_told(experiments[0].setting.network):
                records = compute(population, sources)
        except own_networks.BrokenNetwork as error:
            for one in experiments:
                queue.fail(one, str(error))
            return
        seconds = (time.perf_counter() - started) / len(experiments)
        for one, record in records.items():
            made = Record(record.measurements, record.arrays, self._made(one, seconds))
            self.steps += one.steps
            if wrong := unsound(one, made):  # it would be set aside and computed again, for ever
                queue.fail(one, f"{one.name}: {wrong}, which is a fault of this suite")
                continue
            self.store.write(self.key(one), made)
            self.computed += 1
            queue.finish(one)
        for one, why in population.failed.items():
            queue.fail(one, why)

    def _sources(self, experiment: Experiment, queue: Queue[Experiment]) -> Sources | None:
        """Return the records of an experiment's parents; None if one has to be computed again."""
        sources = {parent: self._stored(parent) for parent in parents(experiment)}
        lost = [parent for parent, record in sources.items() if record is None]  # damaged, or it never came along
        queue.add(lost, self.has)
        return None if lost else {parent: record for parent, record in sources.items() if record is not None}

    def device_used(self) -> str:
        """Return what a run names the device by: "cpu", or a GPU's place with its name."""
        return CPU if self.device == CPU else f"{self.device} ({description(self.device)})"

    def _made(self, experiment: Experiment, seconds: float) -> dict[str, object]:
        now, device = datetime.now(UTC).isoformat(timespec="seconds"), description(self.device)
        return {"what": experiment.name, "seconds": seconds, "device": device, "torch": torch.__version__, "date": now}


def _subject(experiment: Experiment) -> str:
    return f"{experiment.setting.network}, {experiment.arm.name}"


def _name(experiment: Experiment) -> tuple:
    return experiment.arm.name, experiment.round, experiment.seed
