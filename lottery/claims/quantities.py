"""Quantities: what a claim speaks of, as one number per seed, made of measurements that need not exist yet.

A quantity knows which networks it needs, so that everything can be planned before anything is trained. Quantities are
combined like numbers: `accuracy(ticket, 7) - accuracy(DENSE, 0)`, `mean(... for n in rounds)`, `highest(...)`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery.experiments.arms import Arm

Cell = tuple[Arm, int]  # an arm and a round; what is not made by rounds has round 0
Measurements = Mapping[str, Any]
Number = Callable[[Measurements], float]
Read = Callable[[Arm, int], Measurements]  # the measurements of one seed


@dataclass(frozen=True)
class Term:
    """One measured number: of which network, what its name is, and how to read it."""

    cell: Cell
    name: str
    value: Number
    resolution: Number  # the smallest step in which the number can change
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
        """Return whether an early stop that the quantity speaks of came in the last tenth of its run, or never."""
        return any(read(*term.cell)["censored"] for term in self.terms if term.timed)

    def __rmul__(self, factor: float) -> "Quantity":
        return Quantity(self.terms, lambda values: factor * self.combine(values))

    def __sub__(self, other: "Quantity") -> "Quantity":
        split = len(self.terms)
        return Quantity(
            self.terms + other.terms, lambda values: self.combine(values[:split]) - other.combine(values[split:])
        )


def _fold(quantities: Iterable[Quantity], fold: Callable[[list[float]], float]) -> Quantity:
    parts = list(quantities)
    if not parts:
        raise ValueError("a mean or a maximum over no rounds; does the scale's section name `rounds` or `shares`?")

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
    """Return the largest of several quantities of the same seed: to compare with other maxima only."""
    return _fold(quantities, max)


def lowest(quantities: Iterable[Quantity]) -> Quantity:
    """Return the smallest of several quantities of the same seed."""
    return _fold(quantities, min)


def slope(quantities: Iterable[Quantity]) -> Quantity:
    """Return by how much a seed's values grow from one to the next: the slope of a line fitted to them."""

    def fitted(values: list[float]) -> float:
        middle = (len(values) - 1) / 2
        places = [i - middle for i in range(len(values))]
        return sum(i * value for i, value in zip(places, values)) / sum(i**2 for i in places)

    return _fold(quantities, fitted)


def in_order(quantities: Iterable[Quantity]) -> Quantity:
    """Return Spearman's rank correlation of a seed's values with their order, 1 where each is below the one before."""

    def correlation(values: list[float]) -> float:
        from scipy.stats import spearmanr

        return float(spearmanr(range(len(values), 0, -1), values).statistic)

    return _fold(quantities, correlation)


def agreement(first: Sequence[Quantity], second: Sequence[Quantity]) -> Quantity:
    """Return Kendall's rank correlation of a seed's values of the one with its values of the other."""

    def correlation(values: list[float]) -> float:
        from scipy.stats import kendalltau

        return float(kendalltau(values[: len(first)], values[len(first) :]).statistic)

    return _fold([*first, *second], correlation)


def above(quantity: Quantity, level: float) -> Quantity:
    """Return by how much a quantity exceeds a level: what a proportion counts."""
    return Quantity(quantity.terms, lambda values: quantity.combine(values) - level)


def within(quantity: Quantity, margin: float) -> Quantity:
    """Return by how much a quantity is nearer to zero than a margin: above zero where it lies within."""
    return Quantity(quantity.terms, lambda values: margin - abs(quantity.combine(values)))


def single(term: Term) -> Quantity:
    """Return the quantity of one term."""
    return Quantity((term,), lambda values: values[0])
