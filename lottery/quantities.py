"""Quantities: what a claim speaks of, as one number per seed, made of measurements that need not exist yet.

A quantity knows which networks it needs, so that everything can be planned before anything is trained. Quantities are
combined like numbers: `accuracy(ticket, 7) - accuracy(DENSE, 0)`, `mean(... for n in rounds)`, `highest(...)`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import log

from lottery.arms import Arm

Cell = tuple[Arm, int]  # an arm and a round; untrained arms are evaluated at all rounds at once and use round 0
Measurements = Mapping[str, object]
Read = Callable[[Arm, int], Measurements]  # the measurements of one seed


@dataclass(frozen=True)
class Term:
    """One measured number: of which network, what its name is, and how to read it."""

    cell: Cell
    name: str
    value: Callable[[Measurements], float]
    resolution: Callable[[Measurements], float]  # the smallest step in which the number can change
    timed: bool = False  # an early-stop iteration, which can be censored


@dataclass(frozen=True)
class Quantity:
    """A number per seed: its terms, and `combine`, which makes one number of the terms' values in their order."""

    terms: tuple[Term, ...]
    combine: Callable[[list[float]], float]

    @property
    def cells(self) -> frozenset[Cell]:
        """The networks that must have been trained before the quantity can be read."""
        return frozenset(term.cell for term in self.terms)

    def of(self, read: Read) -> float:
        """Return the number of one seed."""
        return self.combine([term.value(read(*term.cell)) for term in self.terms])

    def resolution(self, read: Read) -> float:
        """Return the smallest step of any term: no measured spread is believed to be finer."""
        return min(term.resolution(read(*term.cell)) for term in self.terms)

    def censored(self, read: Read) -> bool:
        """Return whether the seed's early stop, where the quantity speaks of one, came in the last tenth of its run or never."""
        return any(read(*term.cell)["censored"] for term in self.terms if term.timed)

    def __sub__(self, other: "Quantity") -> "Quantity":
        split = len(self.terms)
        return Quantity(self.terms + other.terms, lambda values: self.combine(values[:split]) - other.combine(values[split:]))


def _fold(quantities: Iterable[Quantity], fold: Callable[[list[float]], float]) -> Quantity:
    parts = list(quantities)
    if not parts:
        raise ValueError("a mean or a maximum over no rounds; does the scale's section name `rounds`?")

    def combine(values: list[float]) -> float:
        results, start = [], 0
        for part in parts:
            results.append(part.combine(values[start : start + len(part.terms)]))
            start += len(part.terms)
        return fold(results)

    return Quantity(tuple(term for part in parts for term in part.terms), combine)


def mean(quantities: Iterable[Quantity]) -> Quantity:
    """Return the mean of several quantities of the same seed."""
    return _fold(quantities, lambda values: sum(values) / len(values))


def highest(quantities: Iterable[Quantity]) -> Quantity:
    """Return the largest of several quantities of the same seed. A mean of maxima is compared with means of maxima only."""
    return _fold(quantities, max)


def _term(arm: Arm, round: int, name: str, value: Callable[[Measurements], float], **more: object) -> Quantity:
    resolution = more.pop("resolution", lambda measured: measured["accuracy_step"])
    cell = (arm, round if arm.trained else 0)
    return Quantity((Term(cell, f"{arm.name}, round {round}, {name}", value, resolution, **more),), lambda values: values[0])


def accuracy(arm: Arm, round: int, at: str = "early_stop") -> Quantity:
    """Return test accuracy in per cent after `round` rounds of pruning, at "early_stop", at the "end", or at the "start"."""
    if not arm.trained:
        return _term(arm, round, "test accuracy untrained", lambda measured: measured["test_accuracy_start"][round])
    return _term(arm, round, f"test accuracy at {at}", lambda measured: measured[f"test_accuracy_{at}"])


def spread_over_masks(arm: Arm) -> Quantity:
    """Return the standard deviation, in points, of a learned supermask's test accuracy over the masks drawn from it."""
    return _term(arm, 0, "deviation of test accuracy over masks", lambda measured: measured["test_accuracy_deviation"])


def weights_remaining(arm: Arm) -> Quantity:
    """Return the expected share of weights, in per cent, that a learned supermask keeps."""
    return _term(arm, 0, "weights remaining", lambda measured: measured["weights_remaining"])


def early_stop(arm: Arm, round: int) -> Quantity:
    """Return the natural logarithm of the early-stop iteration; the difference of two is the logarithm of their ratio."""
    return _term(
        arm,
        round,
        "log early-stop iteration",
        lambda measured: log(measured["early_stop_iteration"]) if measured["early_stop_iteration"] else float("nan"),
        resolution=lambda measured: measured["interval"] / measured["iterations"],
        timed=True,
    )
