"""Quantities: what a claim speaks of, as one number per seed, made of measurements that need not exist yet.

A quantity knows which networks it needs, so that everything can be planned before anything is trained. Quantities are
combined like numbers: `accuracy(ticket, 7) - accuracy(DENSE, 0)`, `mean(... for n in rounds)`, `highest(...)`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from lottery.core.errors import LotteryError
from lottery.experiments.arms import Arm
from lottery.experiments.scales import SUPERMASK_ROUNDS
from lottery.models.architectures import is_planted, network

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


def _accuracy_step(measured: Measurements) -> float:
    return measured["accuracy_step"]


def _single(term: Term) -> Quantity:
    return Quantity((term,), lambda values: values[0])


def _term(
    arm: Arm, round: int, name: str, value: Number, resolution: Number = _accuracy_step, timed: bool = False
) -> Quantity:
    cell = (arm, round if arm.by_round else 0)
    return _single(Term(cell, f"{arm.name}, round {round}, {name}", value, resolution, timed))


def accuracy(arm: Arm, round: int, at: str = "early_stop", part: str = "test") -> Quantity:
    """Return accuracy in per cent after `round` rounds of pruning, on all "test" or "train" images.

    It is that at "early_stop", at the "end" or, on test images only, at the "start".
    """
    if not arm.action.trains:
        return _term(arm, round, "test accuracy untrained", lambda measured: measured["test_accuracy_start"][round])
    return _term(arm, round, f"{part} accuracy at {at}", lambda measured: measured[f"{part}_accuracy_{at}"])


def gap(arm: Arm, other: Arm, rounds: Iterable[int], at: str = "early_stop", part: str = "test") -> Quantity:
    """Return by how many points an arm is more accurate than another, as the mean over rounds."""
    return mean(accuracy(arm, n, at, part) - accuracy(other, n, at, part) for n in rounds)


def delay(arm: Arm, other: Arm, rounds: Iterable[int]) -> Quantity:
    """Return how much later an arm stops early than another: the log ratio of iterations, as the mean over rounds."""
    return mean(early_stop(arm, n) - early_stop(other, n) for n in rounds)


def best_rung(arm: Arm) -> Quantity:
    """Return an untrained arm's accuracy at the best of its rungs, seed by seed."""
    return highest(accuracy(arm, n) for n in SUPERMASK_ROUNDS)


def learning_curve(arm: Arm, round: int, iteration: int) -> Quantity:
    """Return validation accuracy in per cent at an iteration, which must be one at which it is looked at."""

    def value(measured: Measurements) -> float:
        return measured["validation_accuracy"][_look(measured, iteration)]

    return _term(arm, round, f"validation accuracy at iteration {iteration}", value)


def _look(measured: Measurements, iteration: int) -> int:
    if iteration % measured["interval"]:
        taken = f"validation accuracy is taken every {measured['interval']} iterations"
        raise LotteryError(f"{taken}, not at {iteration}; fix `iterations` in the entry")
    return iteration // measured["interval"] - 1


def iterations_to(arm: Arm, round: int, level: float) -> Quantity:
    """Return the iteration at which validation accuracy reaches `level` per cent, twice the run's length if never."""

    def first(measured: Measurements) -> float:
        reached = (look for look, value in enumerate(measured["validation_accuracy"], 1) if value >= level)
        return min(next(reached, 2 * measured["iterations"]) * measured["interval"], 2 * measured["iterations"])

    return _term(arm, round, f"iteration of {level:g} % validation accuracy", first)


def overfitting(arm: Arm, round: int) -> Quantity:
    """Return the log of the validation loss at the end over its minimum: 0 where the minimum comes last."""

    def rise(measured: Measurements) -> float:
        return log(measured["validation_loss"][-1] / min(measured["validation_loss"]))

    return _term(arm, round, "log rise of the validation loss", rise)


def anatomy(arm: Arm, round: int, layer: int, name: str) -> Quantity:
    """Return a measurement of a dissected mask in one layer, -1 for the last; see `lottery.masks.mask_statistics`."""

    def value(measured: Measurements) -> float:
        return list(measured["anatomy"].values())[layer][name]

    return _term(arm, round, f"{name} in layer {layer}", value, resolution=lambda measured: 1e-6)


def spread_over_masks(arm: Arm) -> Quantity:
    """Return the deviation, in points, of a learned supermask's test accuracy over the masks drawn from it."""
    return _term(arm, 0, "deviation of test accuracy over masks", lambda measured: measured["test_accuracy_deviation"])


def weights_remaining(arm: Arm) -> Quantity:
    """Return the expected share of weights, in per cent, that a learned supermask keeps."""
    return _term(arm, 0, "weights remaining", lambda measured: measured["weights_remaining"])


def early_stop(arm: Arm, round: int) -> Quantity:
    """Return the natural logarithm of the early-stop iteration."""
    return _term(
        arm,
        round,
        "log early-stop iteration",
        lambda measured: log(measured["early_stop_iteration"]) if measured["early_stop_iteration"] else float("nan"),
        resolution=lambda measured: measured["interval"] / measured["iterations"],
        timed=True,
    )


def _sought(arm: Arm, name: str, value: Number, resolution: float | None = None) -> Quantity:
    """Return a measurement of a search, by default as fine as a score: an accuracy, or a thousandth of an error."""

    def step(measured: Measurements) -> float:
        return (measured["accuracy_step"] or 1e-3) if resolution is None else resolution

    return _single(Term((arm, 0), f"{arm.network}, {arm.name}: {name}", value, step))


def score(arm: Arm, ticket: str = "weak") -> Quantity:
    """Return how good a search's ticket is: test accuracy in per cent on circle, else the log of the squared error.

    The "weak" ticket is what training made of it, the "strong" one untrained, up to a factor of every output.
    """
    _must_have(arm, ticket)
    return _sought(arm, f"{ticket} ticket", lambda measured: _good(arm, measured[ticket]))


def below_planted(arm: Arm, ticket: str = "weak") -> Quantity:
    """Return by how much a search's ticket is worse than the planted one, in the units of `score`."""
    _must_have(arm, ticket)
    sign = -1 if _task(arm) == "circle" else 1

    def value(measured: Measurements) -> float:
        return sign * (_good(arm, measured[ticket]) - _good(arm, measured["ticket"]))

    return _sought(arm, f"{ticket} ticket, below the planted one", value)


def found(arm: Arm, ticket: str = "weak") -> Quantity:
    """Return a number above zero where a search found a ticket, as `lottery.data.made_tasks.margin` has it."""
    _must_have(arm, ticket)

    def value(measured: Measurements) -> float:
        from lottery.data.made_tasks import margin

        return margin(_task(arm), measured[ticket], measured["ticket"])

    return _sought(arm, f"{ticket} ticket, margin to a planted one", value)


def accurate(arm: Arm) -> Quantity:
    """Return a number above zero where a network became accurate: as `found`, or at 1 % of a constant's error."""
    if _task(arm) == "circle":
        return found(arm)
    name = "margin to 1 % of the constant's error"
    return _sought(arm, name, lambda measured: log(measured["constant"] / 100 / measured["weak"]))


def collapse(arm: Arm) -> Quantity:
    """Return 1 where a search left no path from inputs to outputs, as where a layer is empty, else 0."""
    return _sought(arm, "no path left", lambda measured: 0.0 if measured["connected"] else 1.0, resolution=1.0)


def recall(arm: Arm) -> Quantity:
    """Return which share of the planted weights a search kept."""
    return _sought(arm, "share of the planted weights kept", lambda measured: measured["recall"][-1], resolution=0.01)


def recall_above_chance(arm: Arm) -> Quantity:
    """Return by how much that share exceeds its expectation were as many weights of every layer kept at random."""
    name = "share of the planted weights kept, above chance in the same layers"
    return _sought(arm, name, lambda measured: measured["recall"][-1] - measured["chance"][-1], resolution=0.01)


def enrichment(arm: Arm, round: int) -> Quantity:
    """Return the planted weights kept after a round, counted from 1, over those by chance in the same layers."""

    def value(measured: Measurements) -> float:
        return measured["recall"][round - 1] / measured["chance"][round - 1] if measured["chance"][round - 1] else 0.0

    return _sought(arm, f"planted weights kept over those by chance, after round {round}", value, resolution=0.01)


def above(quantity: Quantity, level: float) -> Quantity:
    """Return by how much a quantity exceeds a level: what a proportion counts."""
    return Quantity(quantity.terms, lambda values: quantity.combine(values) - level)


def _must_have(arm: Arm, ticket: str) -> None:
    if ticket.startswith("weak") and arm.action.kind != "train":
        raise ValueError(f"{arm.name} in {arm.network} trains no weak ticket; ask for its strong one")


def _task(arm: Arm) -> str:
    if not is_planted(network(arm.network).name):
        raise LotteryError(f"nothing is planted in {arm.network}; a search needs a network like planted-circle-5")
    return arm.network.split("-")[1]


def _good(arm: Arm, value: float) -> float:
    return value if _task(arm) == "circle" else log(value) if value > 0 else float("nan")
