"""Measurements as tidy rows, one number each: what `measurements.csv` holds, for everybody's own plots."""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import TYPE_CHECKING

from lottery.experiments.arms import Seek
from lottery.experiments.scales import SUPERMASK_ROUNDS

if TYPE_CHECKING:
    from lottery.experiments.experiment import Experiment
    from lottery.experiments.searches import Search

COLUMNS = (
    "arm",
    "seed",
    "round",
    "weights_remaining",
    "iteration",
    "metric",
    "value",
    "network",
    "dataset",
    "iterations",
    "optimiser",
)
Number = tuple[int, int, str, float]  # round, iteration, metric, value


def rows(one: "Experiment | Search", measured: Mapping) -> list[tuple]:
    """Return an experiment's measurements as rows of COLUMNS; a value that is no number is None."""
    from lottery.models.architectures import network

    if isinstance(one.arm, Seek):
        return _of_search(one, measured, network(one.setting.network).weights)
    arm, setting = one.arm.name, one.setting
    where = (setting.network, setting.dataset, setting.config.iterations, setting.config.optimiser)
    shares = {
        round: network(setting.network).weights_remaining(round)
        for round in (SUPERMASK_ROUNDS if _of_rungs(one) else [one.round])
    }
    shares = {one.round: measured["weights_remaining"]} if one.arm.supermask else shares
    remaining = {round: f"{share:.4f}" for round, share in shares.items()}
    return [
        (arm, one.seed, round, remaining[round], iteration, metric, value if isfinite(value) else None, *where)
        for round, iteration, metric, value in _numbers(one, measured)
    ]


def _of_search(one: "Search", measured: Mapping, weights: int) -> list[tuple]:
    """Return the rows of a search for a planted ticket; lists become a row for every layer, or, of what was recovered, for every round."""
    setting, last, found = one.setting, len(measured["kept"]), []
    for name, value in measured.items():
        if name in ("recall", "precision", "chance"):
            found += [(round, 0, name, part) for round, part in enumerate(value, 1)]
        elif isinstance(value, list) and name != "kept":
            found += [(last, 0, f"{name} in layer {layer}", part) for layer, part in enumerate(value, 1)]
        elif name not in ("kept", "iterations", "accuracy_step"):
            found.append((last, setting.config.iterations, name, float(value)))
    remaining = [f"{100 * kept / weights:.4f}" for kept in measured["kept"]]
    where = (setting.network, setting.dataset, setting.config.iterations, setting.config.optimiser)
    return [
        (
            one.arm.name,
            one.seed,
            round,
            remaining[round - 1],
            iteration,
            metric,
            value if isfinite(value) else None,
            *where,
        )
        for round, iteration, metric, value in found
    ]


def _of_rungs(one: "Experiment") -> bool:
    return not one.arm.trained and not one.arm.dissected


def _numbers(one: "Experiment", measured: Mapping) -> Iterable[Number]:
    """Yield an experiment's numbers with the round and the iteration that they belong to."""
    round, end = one.round, one.setting.config.iterations
    if _of_rungs(one):
        yield from ((rung, 0, "test_accuracy", measured["test_accuracy_start"][rung]) for rung in SUPERMASK_ROUNDS)
    elif one.arm.dissected:
        for layer, found in measured["anatomy"].items():
            yield from ((round, 0, f"{layer} {name}", value) for name, value in found.items())
    elif one.arm.supermask:
        for key, name in (
            ("test_accuracy_end", "test_accuracy"),
            *((name, name) for name in ("test_accuracy_deviation", "weights_remaining")),
        ):
            yield round, end, name, measured[key]
    else:
        looks = [*range(measured["interval"], end, measured["interval"]), end]
        for name in ("validation_loss", "validation_accuracy"):
            yield from ((round, iteration, name, value) for iteration, value in zip(looks, measured[name], strict=True))
        yield round, 0, "test_accuracy", measured["test_accuracy_start"]
        for part in ("test", "train"):
            yield (
                round,
                measured["early_stop_iteration"],
                f"{part}_accuracy_early_stop",
                measured[f"{part}_accuracy_early_stop"],
            )
            yield round, end, f"{part}_accuracy", measured[f"{part}_accuracy_end"]
