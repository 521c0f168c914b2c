"""Measurements as tidy rows, one number each: what `measurements.csv.gz` holds, for everybody's own plots."""

import csv
import gzip
import io
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path

from lottery.core.errors import LotteryError
from lottery.experiments.arms import Arm
from lottery.experiments.experiment import Experiment
from lottery.experiments.scales import SUPERMASK_ROUNDS
from lottery.models.architectures import is_planted

MEASURED = ("arm", "seed", "round", "weights_remaining", "iteration", "metric", "value")
TRAINED_ON = ("network", "dataset", "iterations", "optimiser", "learning_rate", "momentum")
ARM = ("mask", "of", "criterion", "start", "treatment", "pruned", "draw", "action", "method", "rescaled", "logit",
       "share", "after", "rounds", "epochs", "scope", "biases", "annealed", "released", "noise",
       "units", "model", "least", "like", "order", "search_order", "masks_of", "tasks")  # fmt: skip
NUMBERS = ("seed", "round", "weights_remaining", "iteration", "value", "iterations")  # which are empty or finite
COLUMNS = (*MEASURED, *TRAINED_ON, *ARM)  # an arm's parts stand as data beside its name
Number = tuple[int, int, str, float]  # round, iteration, metric, value
COUNTED = ("kept by both", "kept by the first", "kept by the second", "weights")  # of two masks that are compared
AGAIN = "run the benchmarks again, which trains nothing that the store has"
RATES = ("recall", "precision", "chance")
# What verdicts know of a network besides: the accuracy of the best constant answer, and the smallest steps of an
# accuracy and of the logarithm of an early stop, which are floors under the spread of seeds.
CONSTANT, TEST_STEP, STOP_STEP = "test_accuracy_constant", "test_accuracy_step", "early_stop_step"


def rows(experiment: Experiment, measured: Mapping) -> list[tuple]:
    """Return an experiment's measurements as rows of MEASURED; a value that is no number is None."""
    numbers: Iterable[Number]
    remaining: Mapping[int, float | None]
    of = of_search if is_planted(experiment.setting.network) else of_images
    numbers, remaining = of(experiment, measured)
    arm, seed = experiment.arm.name, experiment.seed
    shown = {round: "" if share is None else f"{share:.4f}" for round, share in remaining.items()}
    return [
        (arm, seed, round, shown[round], iteration, metric, value if isfinite(value) else None)
        for round, iteration, metric, value in numbers
    ]


def recipe(experiment: Experiment) -> tuple:
    """Return what the other columns have, in all rows of an experiment: what it was trained on, and its arm's parts."""
    setting, described = experiment.setting, experiment.arm.described()
    iterations = experiment.steps or setting.config.iterations
    config = setting.config
    trained_on = (setting.network, setting.data, iterations, config.optimiser, config.learning_rate, config.momentum)
    return (*trained_on, *(described.get(column) for column in ARM))


def block(experiment: Experiment, measured: Mapping) -> tuple[str, str, str, int, int, str]:
    """Return an experiment's rows as text, after what blocks are sorted by: arm, network, data, round and seed."""
    setting, of_rows, of_all = experiment.setting, io.StringIO(), io.StringIO()
    csv.writer(of_rows).writerows(rows(experiment, measured))
    csv.writer(of_all).writerow(recipe(experiment))
    place = experiment.arm.name, setting.network, setting.data, experiment.round, experiment.seed
    return (*place, of_rows.getvalue().replace("\r\n", f",{of_all.getvalue()}"))


def table(blocks: Iterable[Sequence]) -> str:
    """Return what `measurements.csv.gz` has: a head, and the rows of all blocks in their order, each row once."""
    texts: dict[tuple, set[str]] = defaultdict(set)
    for *place, text in blocks:
        texts[tuple(place)].add(text)
    parts = [",".join(COLUMNS) + "\r\n"]
    for _, alike in sorted(texts.items()):
        # Trainings that differ in what has no column, as in their schedule, may have rows in common.
        lines = (line for text in sorted(alike) for line in text.splitlines(keepends=True))
        parts += alike if len(alike) == 1 else dict.fromkeys(lines)
    return "".join(parts)


def read(file: Path, wanted: Callable[[str], object] = bool) -> Iterator[dict[str, str]]:
    """Yield the rows of a `measurements.csv.gz` by column, of those lines that are `wanted`, as `rows_of` does."""
    try:
        with gzip.open(file, "rt", newline="", encoding="utf-8") as content:
            yield from rows_of(content, str(file), wanted)
    except (EOFError, UnicodeDecodeError, zlib.error, gzip.BadGzipFile) as error:
        raise LotteryError(f"{file}: this file is damaged ({error}); {AGAIN}") from None
    except OSError as error:
        raise LotteryError(f"{file} cannot be read ({error.strerror}); name the folder of a run's results") from None


def rows_of(lines: Iterable[str], file: str, wanted: Callable[[str], object] = bool) -> Iterator[dict[str, str]]:
    """Yield the rows of a table's lines by column; raise with the line where it is damaged or another table.

    Lines that are not `wanted` are passed over: most are of learning curves, and to take them apart takes its time.
    """
    line, numbered = 1, iter(enumerate(lines, 1))

    def chosen() -> Iterator[str]:
        nonlocal line
        for number, text in numbered:
            if wanted(text):
                line = number
                yield text

    try:
        if tuple(next(csv.reader([next(numbered, (1, ""))[1]], strict=True), ())) != COLUMNS:
            told = f"its columns should be {', '.join(COLUMNS)}"
            raise LotteryError(f"{file} is not a measurements.csv.gz of this suite: {told}; {AGAIN}")
        for cells in csv.reader(chosen(), strict=True):
            if len(cells) != len(COLUMNS):
                raise ValueError(f"{len(cells)} cells instead of {len(COLUMNS)}")
            row = dict(zip(COLUMNS, cells))
            for name in NUMBERS:
                if row[name] and not isfinite(float(row[name])):
                    raise ValueError("a number is not finite")
            yield row
    except (ValueError, csv.Error) as error:
        raise LotteryError(f"{file}, after line {line}: this file is damaged ({error}); {AGAIN}") from None


def written(arm: Arm) -> tuple[str, ...]:
    """Return an arm's columns as a file has them."""
    described = arm.described()
    return tuple("" if described.get(column) is None else str(described[column]) for column in ARM)


def of_search(experiment: Experiment, measured: Mapping) -> tuple[list[Number], Mapping[int, float]]:
    """Return the numbers of a search for a planted ticket, and what remains after each of its rounds, in per cent.

    Lists become a number for every layer, or, of what was recovered, for every round.
    """
    numbers: list[Number] = []
    last = len(measured["kept"])
    for name, value in measured.items():
        if name in RATES:
            numbers += [(round, 0, name, part) for round, part in enumerate(value, 1)]
        elif isinstance(value, list) and name != "kept":
            numbers += [(last, 0, f"{name} in layer {layer}", part) for layer, part in enumerate(value, 1)]
        elif name not in ("kept", "iterations", "accuracy_step"):
            numbers.append((last, experiment.steps, name, float(value)))
    weights = experiment.setting.architecture.weights
    return numbers, {round: 100 * kept / weights for round, kept in enumerate(measured["kept"], 1)}


def of_images(experiment: Experiment, measured: Mapping) -> tuple[Iterable[Number], Mapping[int, float | None]]:
    """Return the numbers of a network for images, and what remains after the rounds that they are of, in per cent."""
    architecture = experiment.setting.architecture
    for name, numbers_of in LOOKS.items():
        if name in measured:
            return numbers_of(experiment, measured[name]), {experiment.round: _remaining(experiment, measured)}
    if "validation_loss" in measured:
        return _of_training(experiment, measured), {experiment.round: _remaining(experiment, measured)}
    if "weights_remaining" in measured:
        return _of_learned_mask(experiment, measured), {experiment.round: measured["weights_remaining"]}
    rungs = [(rung, 0, "test_accuracy", measured["test_accuracy_start"][rung]) for rung in SUPERMASK_ROUNDS]
    rungs += [(rung, 0, TEST_STEP, measured["accuracy_step"]) for rung in SUPERMASK_ROUNDS]
    return rungs, {rung: architecture.weights_remaining(rung) for rung in SUPERMASK_ROUNDS}


def _remaining(experiment: Experiment, measured: Mapping) -> float | None:
    """Return the per cent of weights that a mask keeps, or all masks that are looked at: as counted, else by round.

    None where a round does not say it: of whole units, of what is cut to another mask's count, of masks of several
    sizes.
    """
    architecture, counted = experiment.setting.architecture, measured.get("mask_kept")
    if "survey" in measured:
        counted = sum(of["kept"] for of in measured["survey"].values())
    if counted is not None:
        return 100 * counted / architecture.weights
    masks = [arm.mask for arm in experiment.arm.looked_at or (experiment.arm,)]
    return architecture.weights_remaining(experiment.round) if all(mask.on_ladder for mask in masks) else None


def _by_layer(experiment: Experiment, layers: Mapping[str, Mapping]) -> Iterable[Number]:
    for layer, found in layers.items():
        yield from ((experiment.round, 0, f"{layer} {name}", value) for name, value in found.items())


def _of_pairs(experiment: Experiment, pairs: Mapping[str, Mapping]) -> Iterable[Number]:
    """Yield of every two of the masks that an arm compares, in every layer and in total, the counts of weights."""
    for pair, layers in pairs.items():
        places = pair.replace(", ", " and ")
        for layer, counts in layers.items():
            yield from (
                (experiment.round, 0, f"{name} of {places} in {layer}", count) for name, count in zip(COUNTED, counts)
            )


def _of_agreement(experiment: Experiment, pairs: Mapping[str, Sequence[float]]) -> Iterable[Number]:
    for pair, (same, *_) in pairs.items():
        yield experiment.round, 0, f"agreement of {pair.replace(', ', ' and ')}", same


# What is measured of masks and predictions, by its name in a record.
LOOKS: dict[str, Callable[[Experiment, Mapping], Iterable[Number]]] = {
    "anatomy": _by_layer,
    "survey": _by_layer,
    "pairs": _of_pairs,
    "agreement": _of_agreement,
}


def _of_learned_mask(experiment: Experiment, measured: Mapping) -> Iterable[Number]:
    named = {"test_accuracy_end": "test_accuracy"}
    for key in ("test_accuracy_end", "test_accuracy_deviation", "weights_remaining"):
        yield experiment.round, experiment.setting.config.iterations, named.get(key, key), measured[key]
    yield experiment.round, experiment.setting.config.iterations, CONSTANT, measured["test_accuracy_constant"]
    yield experiment.round, experiment.setting.config.iterations, TEST_STEP, measured["accuracy_step"]


def _of_training(experiment: Experiment, measured: Mapping) -> Iterable[Number]:
    round, end = experiment.round, experiment.setting.config.iterations
    looks = [*range(measured["interval"], end, measured["interval"]), end]
    for name in ("validation_loss", "validation_accuracy"):
        yield from ((round, iteration, name, value) for iteration, value in zip(looks, measured[name], strict=True))
    yield round, 0, "test_accuracy", measured["test_accuracy_start"]
    for layer, found in measured.get("pruning", {}).items():
        yield from ((round, end, f"{layer} {name}", value) for name, value in found.items())
    for part in ("test", "train"):
        yield (
            round,
            measured["early_stop_iteration"],
            f"{part}_accuracy_early_stop",
            measured[f"{part}_accuracy_early_stop"],
        )
        yield round, end, f"{part}_accuracy", measured[f"{part}_accuracy_end"]
    yield round, end, CONSTANT, measured["test_accuracy_constant"]
    yield round, end, TEST_STEP, measured["accuracy_step"]
    yield round, end, STOP_STEP, measured["interval"] / end
