"""Quantities: what a claim speaks of, as one number per seed, made of measurements that need not exist yet.

A quantity knows which networks it needs, so that everything can be planned before anything is trained. Quantities are
combined like numbers: `accuracy(ticket, 7) - accuracy(DENSE, 0)`, `mean(... for n in rounds)`, `highest(...)`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isnan, log, nan
from typing import Any

from lottery.claims.failures import learned_nothing
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
    at_stop: bool = False  # it is of the network at early stop, so that censoring concerns it
    fails: Callable[[Measurements], bool] = learned_nothing  # whether the network failed, if it was trained

    def failed(self, read: Read) -> bool:
        """Return whether the term's network was trained in vain."""
        return self.fails(read(*self.cell))

    def censored(self, read: Read) -> bool:
        """Return whether the term depends on an early stop that came in the last tenth of the run, or never."""
        return (self.timed or self.at_stop) and bool(read(*self.cell)["censored"])


@dataclass(frozen=True)
class Quantity:
    """A number per seed: its terms, and `combine`, which makes one number of the terms' values in their order.

    It is `monotone` if each term can only raise it or only lower it, as in differences, means and maxima.
    """

    terms: tuple[Term, ...]
    combine: Callable[[list[float]], float]
    monotone: bool = True

    @property
    def cells(self) -> frozenset[Cell]:
        """The networks that must have been trained before the quantity can be read."""
        return frozenset(term.cell for term in self.terms)

    def of(self, read: Read) -> float:
        """Return the number of one seed."""
        return self.combine([term.value(read(*term.cell)) for term in self.terms])

    def resolution(self, read: Read) -> float:
        """Return the smallest step of any term, a floor under the measured spread.

        A mean over rounds moves in finer steps, which are not believed: rounds of one seed are not independent.
        """
        return min(term.resolution(read(*term.cell)) for term in self.terms)

    def censored(self, read: Read) -> bool:
        """Return whether an early stop that the quantity speaks of came in the last tenth of its run, or never."""
        return any(term.censored(read) for term in self.terms if term.timed)

    def bounds(self, read: Read) -> tuple[float, float]:
        """Return between what the number of one seed lies: a censored early stop could come any time later."""
        values = [term.value(read(*term.cell)) for term in self.terms]
        late = {place for place, term in enumerate(self.terms) if term.timed and term.censored(read)}

        def later(places: set[int]) -> float:
            return self.combine([inf if place in places else value for place, value in enumerate(values)])

        measured = later(set())
        if late and not self.monotone:
            return -inf, inf
        low = later({place for place in late if not later({place}) > measured})
        high = later({place for place in late if not later({place}) < measured})
        return -inf if isnan(low) else low, inf if isnan(high) else high

    def failed(self, read: Read) -> bool:
        """Return whether a network of one seed failed."""
        return any(term.failed(read) for term in self.terms)

    def vain(self, read: Read) -> bool:
        """Return whether one seed compares arms of which none learned anything."""
        arms = {term.cell[0] for term in self.terms}
        return len(arms) > 1 and all(term.failed(read) for term in self.terms)

    def alike(self, read: Read) -> bool:
        """Return whether one seed has no number though all its networks have one, as ranks of equal values."""
        return isnan(self.of(read)) and not any(isnan(term.value(read(*term.cell))) for term in self.terms)

    def __rmul__(self, factor: float) -> "Quantity":
        return replace(self, combine=lambda values: factor * self.combine(values))

    def __sub__(self, other: "Quantity") -> "Quantity":
        split = len(self.terms)
        return Quantity(
            self.terms + other.terms,
            lambda values: self.combine(values[:split]) - other.combine(values[split:]),
            self.monotone and other.monotone,
        )


def fold(quantities: Iterable[Quantity], make: Callable[[list[float]], float], monotone: bool = True) -> Quantity:
    """Return the quantity that `make` makes of a seed's values of several others, in their order."""
    parts = list(quantities)
    if not parts:
        raise ValueError("a mean or a maximum over no rounds; does the scale's section name `rounds` or `shares`?")

    def combine(values: list[float]) -> float:
        results, start = [], 0
        for part in parts:
            results.append(part.combine(values[start : start + len(part.terms)]))
            start += len(part.terms)
        return make(results)

    terms = tuple(term for part in parts for term in part.terms)
    return Quantity(terms, combine, monotone and all(part.monotone for part in parts))


def mean(quantities: Iterable[Quantity]) -> Quantity:
    """Return the mean of several quantities of the same seed."""
    return fold(quantities, lambda values: sum(values) / len(values))


def highest(quantities: Iterable[Quantity]) -> Quantity:
    """Return the largest of several quantities of the same seed, nan if one has no number.

    The largest of several is by chance larger than each: compare it with other maxima only.
    """
    return fold(quantities, lambda values: nan if any(map(isnan, values)) else max(values))


def lowest(quantities: Iterable[Quantity]) -> Quantity:
    """Return the smallest of several quantities of the same seed, nan if one has no number."""
    return fold(quantities, lambda values: nan if any(map(isnan, values)) else min(values))


def slope(quantities: Iterable[Quantity]) -> Quantity:
    """Return by how much a seed's values grow from one to the next: the slope of a line fitted to them."""

    def fitted(values: list[float]) -> float:
        middle = (len(values) - 1) / 2
        places = [i - middle for i in range(len(values))]
        return sum(i * value for i, value in zip(places, values)) / sum(i**2 for i in places)

    return fold(quantities, fitted)


def in_order(quantities: Iterable[Quantity]) -> Quantity:
    """Return Spearman's rank correlation of a seed's values with their order, 1 where each is below the one before."""

    def correlation(values: list[float]) -> float:
        from scipy.stats import spearmanr

        if len(set(values)) == 1:
            return nan  # equal values have no order
        return float(spearmanr(range(len(values), 0, -1), values).statistic)

    return fold(quantities, correlation, monotone=False)


def agreement(first: Sequence[Quantity], second: Sequence[Quantity]) -> Quantity:
    """Return Kendall's rank correlation of a seed's values of the one with its values of the other."""

    def kendall(one: list[float], other: list[float]) -> float:
        from scipy.stats import kendalltau

        return float(kendalltau(one, other).statistic)

    return _of_two_lists(first, second, kendall)


def correlation(first: Sequence[Quantity], second: Sequence[Quantity]) -> Quantity:
    """Return Spearman's rank correlation of a seed's values of the one with its values of the other."""

    def spearman(one: list[float], other: list[float]) -> float:
        from scipy.stats import spearmanr

        return float(spearmanr(one, other).statistic)

    return _of_two_lists(first, second, spearman)


def _of_two_lists(
    first: Sequence[Quantity], second: Sequence[Quantity], make: Callable[[list[float], list[float]], float]
) -> Quantity:
    """Return what is made of a seed's values of two lists; nan where those of one are equal, and have no order."""

    def of(values: list[float]) -> float:
        one, other = values[: len(first)], values[len(first) :]
        return nan if 1 in (len(set(one)), len(set(other))) else make(one, other)

    return fold([*first, *second], of, monotone=False)


def ratio(quantity: Quantity, other: Quantity) -> Quantity:
    """Return the natural logarithm of the ratio of two positive quantities."""

    def of(values: list[float]) -> float:
        return log(values[0] / values[1]) if min(values) > 0 else nan

    return fold([quantity, other], of, monotone=False)


def above(quantity: Quantity, level: float) -> Quantity:
    """Return by how much a quantity exceeds a level: what a proportion counts."""
    return replace(quantity, combine=lambda values: quantity.combine(values) - level)


def within(quantity: Quantity, margin: float) -> Quantity:
    """Return by how much a quantity is nearer to zero than a margin: above zero where it lies within."""
    return Quantity(quantity.terms, lambda values: margin - abs(quantity.combine(values)), monotone=False)


def single(term: Term) -> Quantity:
    """Return the quantity of one term."""
    return Quantity((term,), lambda values: values[0])
