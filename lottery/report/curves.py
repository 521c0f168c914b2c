"""What was measured of arms round by round: accuracy and early stop of every seed, by what trained the networks."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from lottery.claims.failures import learned_nothing
from lottery.experiments.arms import DENSE, Arm, Evaluate, LearnMask
from lottery.experiments.measurements import ARM, CONSTANT, STOP_STEP, TEST_STEP, written
from lottery.experiments.named_arms import branch, chain

AT_EARLY_STOP = "test_accuracy_early_stop"
UNTRAINED = "test_accuracy"  # of what is not trained, or of which a mask is
LOOKS = ("validation_accuracy", "validation_loss")
TICKET, REINITIALISED = chain("large_final"), branch("large_final", "reinit")
LEARNING = (DENSE, TICKET, REINITIALISED)  # arms of which learning curves are read
SIZES = (51.3, 21.1, 7.0, 3.6, 1.9)  # per cent of the weights, of tickets in Frankle & Carbin's Fig. 3
NEAR = 0.12  # how far a round's share may be from such a size, as a part of it
Written = tuple[str, ...]  # an arm's columns


class Training(NamedTuple):
    """What trained networks, as the columns of `measurements.csv.gz` have it."""

    network: str
    dataset: str
    iterations: str
    optimiser: str
    learning_rate: str
    momentum: str

    @property
    def told(self) -> str:
        """The training in words."""
        momentum = f", momentum {self.momentum}" if float(self.momentum or 0) else ""
        how = f"{int(self.iterations):,} iterations of {self.optimiser} at {self.learning_rate}{momentum}"
        return f"{self.network} on {self.dataset}, {how}"

    @property
    def slug(self) -> str:
        """The training as a part of a file's name."""
        told = [*self[:5], *([self.momentum] if float(self.momentum or 0) else [])]
        return re.sub(r"[^a-z0-9]+", "-", " ".join(told).lower()).strip("-")


Source = tuple[str, Training]  # an arm as `measurements.csv.gz` names it, and what trained it


@dataclass
class Round:
    """One arm after one round: what remains, and of every seed its accuracy and the iteration that it is taken at.

    Of trained networks also the accuracy at the `end` and that of the best `constant` answer. `step` and `stop_step`
    are the smallest steps of an accuracy and of the logarithm of an early stop, zero where a file does not have them.
    """

    remaining: float
    accuracy: dict[int, float] = field(default_factory=dict)
    iteration: dict[int, float] = field(default_factory=dict)
    end: dict[int, float] = field(default_factory=dict)
    constant: dict[int, float] = field(default_factory=dict)
    step: float = 0.0
    stop_step: float = 0.0

    @property
    def failed(self) -> set[int]:
        """The seeds whose network failed, as verdicts count them."""
        return {seed for seed in self.constant if learned_nothing(self._measured(seed))}

    def _measured(self, seed: int) -> dict[str, float]:
        found = {AT_EARLY_STOP: self.accuracy, "test_accuracy_end": self.end, CONSTANT: self.constant}
        return {name: values[seed] for name, values in found.items() if seed in values}


@dataclass
class Line:
    """An arm's rounds, by their numbers, and its name in tables."""

    name: str
    rounds: dict[int, Round] = field(default_factory=dict)


@dataclass
class Curves:
    """Lines by training and by arm, and learning curves by training, arm, round, measure and iteration, of each seed.

    `learned` has of masks that were learned the accuracy of every seed.
    """

    lines: dict[Training, dict[Written, Line]] = field(default_factory=lambda: defaultdict(dict))
    looks: dict[tuple[Training, Written, int, str], dict[int, dict[int, float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    remaining: dict[tuple[Training, Written, int], float] = field(default_factory=dict)
    learned: dict[Training, dict[Written, Line]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, row: Mapping[str, str]) -> None:
        """Take a row, if it is of an arm's accuracy or a look at a learning curve."""
        if not row["value"] or not row["weights_remaining"] or row["network"].startswith("planted-"):
            return
        metric, action = row["metric"], row["action"]
        kept = self.learned if action == LearnMask.kind else self.lines
        if metric in LOOKS:
            self._add_look(row)
        elif metric == (UNTRAINED if action in (Evaluate.kind, LearnMask.kind) else AT_EARLY_STOP):
            arm, training = _arm(row), training_of(row)
            line = kept[training].setdefault(arm, Line(row["arm"]))
            share, number = float(row["weights_remaining"]), int(row["round"])
            at = line.rounds.setdefault(number, Round(share))
            seed = int(row["seed"])
            at.accuracy[seed], at.iteration[seed] = float(row["value"]), float(row["iteration"])
        else:
            self._add_beside(row, kept)

    def _add_beside(self, row: Mapping[str, str], kept: Mapping[Training, Mapping[Written, Line]]) -> None:
        """Take what stands beside an accuracy, below which a file has it."""
        line = kept.get(training_of(row), {}).get(_arm(row))
        at = line.rounds.get(int(row["round"])) if line else None
        if at is None:
            return
        metric, seed, value = row["metric"], int(row["seed"]), float(row["value"])
        if metric == TEST_STEP:
            at.step = value
        elif metric == STOP_STEP:
            at.stop_step = value
        elif metric == CONSTANT:
            at.constant[seed] = value
        elif metric == UNTRAINED and row["iteration"] == row["iterations"]:
            at.end[seed] = value

    def _add_look(self, row: Mapping[str, str]) -> None:
        place = training_of(row), _arm(row), int(row["round"])
        self.looks[*place, row["metric"]][int(row["iteration"])][int(row["seed"])] = float(row["value"])
        self.remaining[place] = float(row["weights_remaining"])

    def line(self, training: Training, arm: Arm) -> Line | None:
        """Return what was measured of an arm, which may be of a mask that was learned; None where nothing was."""
        found = self.lines.get(training, {}).get(written(arm))
        return found or self.learned.get(training, {}).get(written(arm))


def read(rows: Iterable[Mapping[str, str]]) -> Curves:
    """Return what the rows of a `measurements.csv.gz` have of arms."""
    found = Curves()
    for row in rows:
        found.add(row)
    return found


NAMES = tuple(f'"{arm.name}",' if "," in arm.name else f"{arm.name}," for arm in LEARNING)


def is_look(line: str) -> bool:
    """Return whether a line of a `measurements.csv.gz` is of a learning curve that figures show."""
    if not line.startswith(NAMES) or ",validation_" not in line:
        return False
    name = next(name for name in NAMES if line.startswith(name))
    _, _, share, _ = line[len(name) :].split(",", 3)
    return bool(share) and near(float(share))


def near(share: float) -> bool:
    """Return whether a share of the weights, in per cent, is one of those whose learning curves are shown, or all."""
    return share == 100 or any(abs(share - size) <= NEAR * size for size in SIZES)


def consecutive(rounds: Sequence[int]) -> list[int]:
    """Return for each of some rounds, in order, which stretch of rounds that follow each other it belongs to."""
    stretch, stretches = 0, []
    for place, number in enumerate(rounds):
        stretch += place > 0 and number != rounds[place - 1] + 1
        stretches.append(stretch)
    return stretches


_arm = itemgetter(*ARM)
_trained_on = itemgetter(*Training._fields)


def training_of(row: Mapping[str, str]) -> Training:
    """Return what trained a row's network."""
    return Training._make(_trained_on(row))
