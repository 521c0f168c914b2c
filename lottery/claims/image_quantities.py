"""Quantities of networks for images: accuracy, early stop, learning curves, what a mask keeps."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import ceil, exp, isnan, log
from typing import Any, NamedTuple

from lottery.claims.failures import learned_nothing
from lottery.claims.quantities import Measurements, Number, Quantity, Term, above, highest, mean, single
from lottery.core.errors import LotteryError
from lottery.experiments.arms import Arm
from lottery.experiments.named_arms import chain, dissected
from lottery.experiments.scales import SUPERMASK_ROUNDS


def _accuracy_step(measured: Measurements) -> float:
    return measured["accuracy_step"]


# By how much one image changes an accuracy: on parts of different sizes these are different steps.
STEPS: dict[str, Number] = {
    "test": _accuracy_step,
    "train": lambda measured: measured["train_accuracy_step"],
    "validation": lambda measured: measured["validation_accuracy_step"],
}


def _exact(measured: Measurements) -> float:
    """Return the step of losses and shares, which no image makes: below it is noise of rounding."""
    return 1e-6


def _look_apart(measured: Measurements) -> float:
    """Return the step of iterations: there is a look every so many."""
    return measured["interval"]


def _term(arm: Arm, round: int, name: str, value: Number, resolution: Number, **more: Any) -> Quantity:
    where = f"{arm.name}, round {round}" if arm.by_round or not arm.action.trains else arm.name  # or a rung
    named = ", ".join(filter(None, [arm.network, where, name]))
    return single(Term((arm, round if arm.by_round else 0), named, value, resolution, **more))


def accuracy(arm: Arm, round: int, at: str = "early_stop", part: str = "test") -> Quantity:
    """Return accuracy in per cent after `round` rounds of pruning, on all "test", "train" or "validation" images.

    It is that at "early_stop", at the "end" or, on test images only, at the "start".
    """
    if not arm.action.trains:
        name = "test accuracy untrained"
        return _term(arm, round, name, lambda measured: measured["test_accuracy_start"][round], STEPS["test"])
    value = _on_validation(at) if part == "validation" else lambda measured: measured[f"{part}_accuracy_{at}"]
    return _term(arm, round, f"{part} accuracy at {at}", value, STEPS[part], at_stop=at == "early_stop")


def _on_validation(at: str) -> Number:
    """Return how accuracy on the validation images is read, which is kept as a curve."""

    def value(measured: Measurements) -> float:
        if at == "early_stop" and not measured["early_stop_iteration"]:
            return float("nan")  # the training diverged
        last = measured["iterations"] if at == "end" else measured["early_stop_iteration"]
        return measured["validation_accuracy"][ceil(last / measured["interval"]) - 1]

    return value


def log_error(arm: Arm, round: int, at: str = "early_stop", part: str = "test") -> Quantity:
    """Return the natural logarithm of the error in per cent: even where accuracies are near 100 % or far apart.

    An error of nothing counts as half an image.
    """
    shown = accuracy(arm, round, at, part)
    (term,) = shown.terms

    def value(measured: Measurements) -> float:
        return log(max(100 - term.value(measured), term.resolution(measured) / 2))

    def step(measured: Measurements) -> float:
        error = max(100 - term.value(measured), term.resolution(measured) / 2)
        return term.resolution(measured) / error

    return single(replace(term, name=f"log error, {term.name}", value=value, resolution=step))


def failed(arm: Arm, round: int) -> Quantity:
    """Return 1 where a trained network failed, being no better than the best constant answer, else 0."""
    quantity = _term(arm, round, "failed", lambda measured: float(learned_nothing(measured)), lambda measured: 1.0)
    return single(replace(quantity.terms[0], fails=lambda measured: False))  # here a failure is a number


def above_constant(arm: Arm, round: int) -> Quantity:
    """Return by how many points a trained network's test accuracy exceeds that of the best constant answer, at the end.

    One that does not has learned nothing.
    """
    (term,) = accuracy(arm, round, at="end").terms

    def value(measured: Measurements) -> float:
        return term.value(measured) - measured["test_accuracy_constant"]

    return single(replace(term, name=f"{term.name}, above a constant answer", value=value))


def gap(arm: Arm, other: Arm, rounds: Iterable[int], at: str = "early_stop", part: str = "test") -> Quantity:
    """Return by how many points an arm is more accurate than another, as the mean over rounds."""
    return mean(accuracy(arm, n, at, part) - accuracy(other, n, at, part) for n in rounds)


def best_by_validation(
    arm: Arm, rounds: Iterable[int], number: Callable[[Arm, int], Quantity], at: str = "early_stop"
) -> Quantity:
    """Return a number of an arm at the round whose network is most accurate on validation images, the first of equals.

    What is measured there on test images is not raised by the choice, as the largest of several test accuracies is.
    """
    cells = list(rounds)
    judges, numbers = [accuracy(arm, n, at, "validation") for n in cells], [number(arm, n) for n in cells]

    def chosen(values: list[float]) -> float:
        by = values[: len(cells)]
        if any(map(isnan, by)):
            return float("nan")
        return values[len(cells) + by.index(max(by))]

    return Quantity(tuple(term for one in (*judges, *numbers) for term in one.terms), chosen, monotone=False)


def unfinished(arm: Arm, round: int) -> Quantity:
    """Return 1 where the minimum of the validation loss lies in the last tenth of the run or nowhere, else 0."""
    return _term(
        arm, round, "no early stop", lambda measured: float(measured["censored"]), resolution=lambda measured: 1
    )


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

    return _term(arm, round, f"validation accuracy at iteration {iteration}", value, STEPS["validation"])


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

    return _term(arm, round, f"iteration of {level:g} % validation accuracy", first, _look_apart)


def learning(arm: Arm, round: int) -> Quantity:
    """Return the log of the validation loss at its first look over its minimum: 0 where the minimum comes first."""

    def fall(measured: Measurements) -> float:
        return log(measured["validation_loss"][0] / min(measured["validation_loss"]))

    return _term(arm, round, "log fall of the validation loss", fall, _exact)


def overfitting(arm: Arm, round: int) -> Quantity:
    """Return the log of the validation loss at the end over its minimum: 0 where the minimum comes last."""

    def rise(measured: Measurements) -> float:
        return log(measured["validation_loss"][-1] / min(measured["validation_loss"]))

    return _term(arm, round, "log rise of the validation loss", rise, _exact)


def anatomy(arm: Arm, round: int, layer: int, name: str) -> Quantity:
    """Return a measurement of a dissected mask in one layer, -1 for the last; see `lottery.masks.mask_statistics`."""

    def value(measured: Measurements) -> float:
        return list(measured["anatomy"].values())[layer][name]

    return _term(arm, round, f"{name} in layer {layer}", value, _exact)


def spread_over_masks(arm: Arm) -> Quantity:
    """Return the deviation, in points, of a learned supermask's test accuracy over the masks drawn from it."""
    name = "deviation of test accuracy over masks"
    return _term(arm, 0, name, lambda measured: measured["test_accuracy_deviation"], _exact)


def weights_remaining(arm: Arm) -> Quantity:
    """Return the expected share of weights, in per cent, that a learned supermask keeps."""
    return _term(arm, 0, "weights remaining", lambda measured: measured["weights_remaining"], _exact)


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


NEAR = 0.25  # of what a control loses: what two arms may differ by that "match"


class Match(NamedTuple):
    """What says that an arm matches a reference: three parts, each to be above zero, and what to report beside them."""

    not_worse: Quantity
    not_better: Quantity
    control_loses: Quantity
    difference: Quantity  # by how many points the arm is more accurate than the reference


def matching(arm: Arm, reference: Arm, control: Arm, rounds: Iterable[int]) -> Match:
    """Return what says that an arm matches a reference.

    It is neither worse nor better by more than a quarter of what a control loses in the same rounds; and that control,
    which the paper contrasts with it, does lose.
    """
    rounds = list(rounds)
    loss, difference = gap(reference, control, rounds), gap(arm, reference, rounds)
    return Match(NEAR * loss - gap(reference, arm, rounds), NEAR * loss - difference, loss, difference)


def own_round(criterion: str, round: int, layer: int, name: str) -> Quantity:
    """Return what the training before a round of pruning did to the weights of one layer that the round prunes.

    `name` is one of those of `lottery.masks.mask_statistics.pruning`. The dense training is before the first round, and
    before every later one that of the round before it, which the chain keeps.
    """
    if round == 1:
        return anatomy(dissected(criterion), 1, layer, name)

    def value(measured: Measurements) -> float:
        return list(measured["pruning"].values())[layer][name]

    what = f"{name} in layer {layer} of what the next round prunes"
    return _term(chain(criterion), round - 1, what, value, _exact)


def moved(arm: Arm) -> Quantity:
    """Return by how many points training changed the expected share of weights that a learned supermask keeps."""
    logit = arm.action.logit  # type: ignore[attr-defined]
    return above(weights_remaining(arm), 100 / (1 + exp(-logit)))


def moved_either_way(arm: Arm) -> Quantity:
    """Return by how many points training changed that share, more or less."""
    change = moved(arm)
    return Quantity(change.terms, lambda values: abs(change.combine(values)), monotone=False)
