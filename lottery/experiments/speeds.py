"""Speeds: how long networks of every kind took on this machine, kept beside the store, so that plans need not measure.

Networks are of one kind if they cost the same: the same network, data and training, and the same search before it. A
short measurement says what a kind costs until the first of it are computed; from then on it is what these took.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from statistics import median

import torch
from filelock import FileLock

from lottery.core.devices import description
from lottery.core.machine import processor
from lottery.core.paths import write_whole
from lottery.experiments.arms import ToShare
from lottery.experiments.experiment import Experiment
from lottery.experiments.parts import part_of
from lottery.experiments.planned import Plans, as_json, from_json
from lottery.models.cost import training_cost
from lottery.training.fit import VERSION

FORMAT = 1
REMEMBERED = 200  # networks of a kind that its mean goes back to, so that it follows a machine that changes
UNKNOWN = 0.05  # seconds of a network of which nothing is trained, before one was measured
OPERATIONS = 4e9  # floating-point operations a second of one worker, before anything was measured
GUESSED, MEASURED = 2.0, 1.25  # how much longer a batch may take than is said, for what is guessed and what is known


@dataclass(frozen=True)
class Took:
    """Seconds of one network of a kind: the mean of so many that were computed, or of 0 if measured in short."""

    seconds: float
    networks: int
    family: str = ""  # kinds that cost the same a step, or a scoring
    work: float = 0.0  # steps, or scorings where nothing is trained
    operations: float = 0.0  # of the arithmetic of its steps

    def joined(self, seconds: float, networks: int) -> Took:
        """Return what is known after so many more took so long each."""
        before = min(self.networks, REMEMBERED)
        mean = (before * self.seconds + networks * seconds) / (before + networks)
        return Took(mean, self.networks + networks, self.family, self.work, self.operations)


def arithmetic(one: Experiment) -> float:
    """Return the floating-point operations of an experiment's training steps."""
    return float(training_cost(one.setting.architecture, one.setting.config.batch_size).operations) * one.steps


def scorings(one: Experiment) -> int:
    """Return how often a search before training takes scores."""
    return one.arm.mask.rounds if isinstance(one.arm.mask, ToShare) else 0


def family(one: Experiment) -> str:
    """Return in words what experiments have in common that cost the same a step, or a scoring where none is trained."""
    setting, arm = one.setting, one.arm
    searched = f" before it {arm.mask.criterion} by {arm.mask.scope}" if isinstance(arm.mask, ToShare) else ""
    action = part_of(arm.action)
    done = " ".join(map(str, (action.__name__, *action.batch_key(arm.action))))
    config = setting.config
    trained = f"{config.optimiser} in batches of {config.batch_size} {config.augmentation}".strip()
    return f"{setting.network} on {setting.dataset}, {trained}, {done}{searched}"


@cache
def _kind(setting: object, family: str, steps: int, scorings: int) -> str:
    return blake2b(repr((setting, family, steps, scorings)).encode(), digest_size=8).hexdigest()


def kind(one: Experiment) -> str:
    """Return the name of an experiment's kind."""
    return _kind(one.setting.without_rate, family(one), one.steps, scorings(one))


def machine(device: str, precision: str) -> dict[str, object]:
    """Return what speeds depend on beside the kind: with any of it changed, they are measured anew."""
    return {
        "format": FORMAT,
        "processor": processor(),
        "device": description(device),
        "precision": precision,
        "torch": torch.__version__,
        "engine": VERSION,
    }


class Speeds:
    """How long networks take here. Without a folder nothing is remembered."""

    def __init__(self, folder: Path | None = None, device: str = "cpu", precision: str = "float32"):
        self._known: dict[str, Took] = {}
        self._learned: dict[str, list[Took]] = {}  # since it was last kept
        self._changes: list[Callable[[Plans], None]] = []  # of plans, likewise
        self._kinds: dict[Experiment, str] = {}
        self._machine = machine(device, precision)
        name = blake2b(json.dumps(self._machine, sort_keys=True).encode(), digest_size=8).hexdigest()
        self.file = folder and folder / f"{name}.json"
        self._known, self.plans = self._read()

    def _read(self) -> tuple[dict[str, Took], Plans]:
        """Return the kinds and the plans in the file.

        One that is missing or damaged has nothing, since all of it can be measured again.
        """
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            if self.file:
                kept = json.loads(self.file.read_text(encoding="utf-8"))
                kinds = {name: Took(**took) for name, took in kept["kinds"].items()}
                return kinds, from_json(kept.get("planned", {}))
        return {}, {}

    def change_plans(self, change: Callable[[Plans], None]) -> None:
        """Let a change be made of the plans here, and of those in the file as others have left it when this is kept."""
        change(self.plans)
        self._changes.append(change)

    def _of(self, one: Experiment) -> str:
        if one not in self._kinds:
            self._kinds[one] = kind(one)
        return self._kinds[one]

    def knows(self, one: Experiment) -> bool:
        """Return whether an experiment's like was measured on this machine."""
        return self._of(one) in self._known

    def seconds(self, one: Experiment) -> float:
        """Return how long a worker takes for an experiment in a batch of its like: measured, or guessed from others."""
        took = self._known.get(self._of(one))
        return took.seconds if took else self._guess(one)

    def longest(self, experiments: Sequence[Experiment]) -> float:
        """Return how long experiments that are computed together may take, when nothing may come too late."""
        return sum(self.seconds(one) * (MEASURED if self.knows(one) else GUESSED) for one in experiments)

    def _guess(self, one: Experiment) -> float:
        work, like = _work(one), family(one)
        rates = [took.seconds / took.work for took in self._known.values() if took.family == like and took.work]
        if rates:
            return median(rates) * work
        if not one.steps:
            return UNKNOWN * max(1, scorings(one))
        others = [took for took in self._known.values() if took.operations]
        rate = median(took.seconds / took.operations for took in others) if others else 1 / OPERATIONS
        return UNKNOWN + rate * arithmetic(one)

    def measured(self, one: Experiment, seconds: float) -> None:
        """Take what a short measurement says of a kind, unless some of it were computed."""
        if not self.knows(one):
            self._known[self._of(one)] = took = Took(seconds, 0, family(one), _work(one), arithmetic(one))
            self._learned[self._of(one)] = [took]

    def learn(self, experiments: Sequence[Experiment], seconds: float) -> None:
        """Take how long a batch took in all: of several kinds, each its share as it was known before."""
        expected = {one: max(self.seconds(one), 1e-6) for one in experiments}
        ratio = seconds / sum(expected.values())
        first: dict[str, list[Experiment]] = {}
        for one in experiments:
            first.setdefault(self._of(one), []).append(one)
        for name, alike in first.items():
            one, each = alike[0], expected[alike[0]] * ratio
            self._add(name, Took(each, len(alike), family(one), _work(one), arithmetic(one)))

    def _add(self, name: str, took: Took) -> None:
        known = self._known.get(name)
        self._known[name] = known.joined(took.seconds, took.networks) if known and known.networks else took
        self._learned.setdefault(name, []).append(took)

    def keep(self) -> None:
        """Write what was learned since the last time into the file, beside what others learned meanwhile.

        A folder that cannot be written to is no error: all of it can be measured again.
        """
        if not self.file or not (self._learned or self._changes):
            return
        learned, self._learned = self._learned, {}
        changes, self._changes = self._changes, []
        with suppress(OSError, NotImplementedError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.file.with_suffix(".lock"), timeout=5):
                known, plans = self._read()
                for name, all_of_it in learned.items():
                    for took in all_of_it:
                        known[name] = _joined(known.get(name), took)
                for change in changes:
                    change(plans)
                kinds = {name: asdict(known[name]) for name in sorted(known)}
                content = {"machine": self._machine, "kinds": kinds, "planned": as_json(plans)}
                write_whole(self.file, json.dumps(content, indent=1, allow_nan=False) + "\n")
                self._known |= known


def _joined(known: Took | None, took: Took) -> Took:
    if known is None or not known.networks:
        return took
    return known.joined(took.seconds, took.networks) if took.networks else known


def _work(one: Experiment) -> float:
    return one.steps or scorings(one)


def total(speeds: Speeds, experiments: Iterable[Experiment]) -> float:
    """Return how long one worker takes for all of them."""
    return sum(map(speeds.seconds, experiments))
