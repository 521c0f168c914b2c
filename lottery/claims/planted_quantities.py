"""Quantities of searches for planted tickets: scores, whether one was found, what of it was recovered."""

from collections.abc import Callable
from math import log

from lottery.claims.quantities import Measurements, Number, Quantity, Term, single
from lottery.core.errors import LotteryError
from lottery.experiments.arms import Arm
from lottery.models.architectures import is_planted, network


def _counts(measured: Measurements) -> bool:
    """Return that no network failed: where a number speaks of failures, they count as numbers."""
    return False


def _sought(
    arm: Arm, name: str, value: Number, resolution: float | None = None, fails: Callable[[Measurements], bool] = _counts
) -> Quantity:
    """Return a measurement of a search, by default as fine as a score: an accuracy, or a thousandth of an error."""

    def step(measured: Measurements) -> float:
        return (measured["accuracy_step"] or 1e-3) if resolution is None else resolution

    return single(Term((arm, 0), f"{arm.network}, {arm.name}: {name}", value, step, fails=fails))


def _weak_failed(arm: Arm, ticket: str) -> Callable[[Measurements], bool]:
    """Return how it is told that training a ticket failed: it is no better than the best constant function."""
    sign = 1 if _task(arm) == "circle" else -1

    def fails(measured: Measurements) -> bool:
        return not sign * measured[ticket] > sign * measured["constant"]

    return fails if ticket.startswith("weak") else _counts


def score(arm: Arm, ticket: str = "weak") -> Quantity:
    """Return how good a search's ticket is: test accuracy in per cent on circle, else the log of the squared error.

    The "weak" ticket is what training made of it, the "strong" one untrained, up to a factor of every output.
    """
    _must_have(arm, ticket)
    fails = _weak_failed(arm, ticket)
    return _sought(arm, f"{ticket} ticket", lambda measured: _good(arm, measured[ticket]), fails=fails)


def below_planted(arm: Arm, ticket: str = "weak") -> Quantity:
    """Return by how much a search's ticket is worse than the planted one, in the units of `score`."""
    _must_have(arm, ticket)
    sign = -1 if _task(arm) == "circle" else 1

    def value(measured: Measurements) -> float:
        return sign * (_good(arm, measured[ticket]) - _good(arm, measured["ticket"]))

    return _sought(arm, f"{ticket} ticket, below the planted one", value, fails=_weak_failed(arm, ticket))


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


def empty_layer(arm: Arm) -> Quantity:
    """Return 1 where a search left no weight at all in one of the layers, else 0: collapse in the narrow sense."""
    name = "no weight left in some layer"
    return _sought(arm, name, lambda measured: 0.0 if all(measured["weights_kept"]) else 1.0, resolution=1.0)


def past_halfway(arm: Arm, ticket: str = "weak") -> Quantity:
    """Return by how many points a ticket of circle is above the middle between best constant and planted one."""
    _must_have(arm, ticket)
    if _task(arm) != "circle":
        raise ValueError(f"{arm.network} is a regression; there is no middle between errors of different sizes")
    name = f"{ticket} ticket, above the middle between the most frequent class and the planted ticket"
    return _sought(arm, name, lambda measured: measured[ticket] - (measured["constant"] + measured["ticket"]) / 2)


def worse_than_a_line(arm: Arm, ticket: str = "weak") -> Quantity:
    """Return by how much the log of a regression's error is above that of the best affine function."""
    _must_have(arm, ticket)
    if _task(arm) == "circle":
        raise ValueError(f"{arm.network} is a classification; only regressions can be worse than a line")
    name = f"{ticket} ticket, above the best affine function"
    return _sought(arm, name, lambda measured: _good(arm, measured[ticket]) - log(measured["affine"]))


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


def kept_together(arm: Arm, least: int, rate: str = "recall") -> Quantity:
    """Return a rate of what at least so many of several searches keep: "recall", or "precision"."""
    return _sought(arm, f"{rate} of what {least} keep", lambda measured: measured[rate][least - 1], resolution=0.01)


def purity(arm: Arm, least: int) -> Quantity:
    """Return the log of the planted weights that at least so many searches keep over those by chance in the layers."""

    def value(measured: Measurements) -> float:
        recall, chance = measured["recall"][least - 1], measured["chance"][least - 1]
        return log(recall / chance) if recall and chance else float("nan")

    return _sought(arm, f"log of planted weights over chance in what {least} keep", value, resolution=0.01)


def _must_have(arm: Arm, ticket: str) -> None:
    if ticket.startswith("weak") and arm.action.kind != "train":
        raise ValueError(f"{arm.name} in {arm.network} trains no weak ticket; ask for its strong one")


def _task(arm: Arm) -> str:
    if not is_planted(network(arm.network).name):
        raise LotteryError(f"nothing is planted in {arm.network}; a search needs a network like planted-circle-5")
    return arm.network.split("-")[1]


def _good(arm: Arm, value: float) -> float:
    return value if _task(arm) == "circle" else log(value) if value > 0 else float("nan")
