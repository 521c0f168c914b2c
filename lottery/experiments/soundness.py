"""Soundness: whether a record from the store can be one of an experiment, by what every record of its kind has.

The store's checksums find damage. This finds what is whole and still no record of this experiment, as an imported store
may hold: what is missing, of another type, or arrays of another shape. Numbers that were made up it cannot find.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lottery.experiments.action_parts import PREDICTIONS
from lottery.experiments.arms import Count, Dense, Evaluate, Inspect, Iterative, LearnMask, Recover, ToShare, Train
from lottery.experiments.experiment import Experiment
from lottery.experiments.mask_parts import IterativeMask, after
from lottery.experiments.scales import SUPERMASK_ROUNDS
from lottery.models.architectures import is_planted
from lottery.planting.readings import RATES
from lottery.store.store import Record

MADE = {"what": str, "seconds": float, "device": str, "torch": str, "date": str}
LARGEST = 2**63  # of whole numbers
STEPS = ("iterations", "interval", "early_stop_iteration")  # whole numbers wherever they are measured
FLAGS = ("censored", "connected")
CURVES = ("validation_loss", "validation_accuracy")
TRAINED = ("test_accuracy_start", "test_accuracy_early_stop", "train_accuracy_early_stop", "test_accuracy_end",
           "train_accuracy_end", "accuracy_step", "train_accuracy_step", "validation_accuracy_step",
           "test_accuracy_constant", "train_accuracy_constant", "censored", *CURVES, *STEPS)  # fmt: skip
LEARNED = ("test_accuracy_end", "test_accuracy_deviation", "weights_remaining", "iterations", "accuracy_step",
           "test_accuracy_constant")  # fmt: skip
EVALUATED = ("test_accuracy_start", "accuracy_step")
BY_LAYER = ("weights_kept", "biases_kept")
BY_ROUND = ("kept", *RATES)
PLANTED = ("strong_raw", "strong_scaled", "strong", "ticket", "constant", "affine", "connected", "iterations",
           "accuracy_step", *BY_LAYER, *BY_ROUND)  # fmt: skip
TABLES = ("anatomy", "pruning")  # of numbers of the same names for every layer
LOOKED = {Inspect: ("anatomy",), Count: ("anatomy",), Recover: BY_ROUND}
Shapes = dict[str, tuple[str, int | None]]  # the type of an array, and its length where that is known


def unsound(experiment: Experiment, record: Record) -> str:
    """Return why a record cannot be this experiment's, or an empty text."""
    try:
        return _of_making(record.made) or _of_measurements(experiment, record.measurements) or _of_arrays(
            experiment, record.arrays
        )  # fmt: skip
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        return f"its fields are of other types ({error})"


def _of_making(made: dict[str, Any]) -> str:
    for name, kind in MADE.items():
        value = made.get(name)
        if not isinstance(value, (kind, int) if kind is float else kind) or isinstance(value, bool):
            return f"it does not say {name!r} of how it was made"
    return "" if 0 <= made["seconds"] < LARGEST else "it took no time that there can be"


def _of_measurements(experiment: Experiment, measured: dict[str, Any]) -> str:
    if missing := [name for name in _names(experiment) if name not in measured]:
        return f"{', '.join(missing)} is not measured in it"
    if not measured:
        return "nothing is measured in it"
    for names, kind in ((STEPS, int), (FLAGS, bool), ((*CURVES, *BY_LAYER, *BY_ROUND), list), (TABLES, dict)):
        if wrong := [name for name in names if name in measured and type(measured[name]) is not kind]:
            return f"{wrong[0]} is of another type in it"
    for name, value in measured.items():
        if (odd := _unmeasurable(value)) is not None:
            return f"{name} has {odd!r:.80} in it, which is no number"
    lists = EVALUATED[:1] if isinstance(experiment.arm.action, Evaluate) else ()
    scalar = set(_names(experiment)).difference(CURVES, BY_LAYER, BY_ROUND, TABLES, lists)
    if wrong := sorted(name for name in scalar if isinstance(measured[name], (list, dict))):
        return f"{wrong[0]} is no single number in it"
    return _of_lengths(experiment, measured)


def _names(experiment: Experiment) -> tuple[str, ...]:
    """Return what every record of such an experiment has measured; comparisons have names of their own each."""
    action = experiment.arm.action
    if type(action) in LOOKED:
        return LOOKED[type(action)]
    if is_planted(experiment.setting.network):
        return PLANTED if isinstance(action, (Train, LearnMask, Evaluate)) else ()
    return TRAINED if isinstance(action, Train) else LEARNED if isinstance(action, LearnMask) else (
        EVALUATED if isinstance(action, Evaluate) else ()
    )  # fmt: skip


def _of_lengths(experiment: Experiment, measured: dict[str, Any]) -> str:
    """Return what is wrong about lists and tables whose sizes are known."""
    layers, config = experiment.setting.architecture.layers, experiment.setting.config
    wanted: dict[str, int] = dict.fromkeys(BY_LAYER, len(layers))
    if isinstance(experiment.arm.action, Train):
        wanted |= dict.fromkeys(CURVES, config.iterations // config.interval)
    if isinstance(experiment.arm.action, Evaluate) and not is_planted(experiment.setting.network):
        wanted["test_accuracy_start"] = len(SUPERMASK_ROUNDS)
    if set(BY_ROUND) <= measured.keys():
        wanted |= dict.fromkeys(RATES, len(measured["kept"]))
    for name, length in wanted.items():
        if name in measured and len(measured[name]) != length:
            return f"{name} has {len(measured[name])} values in it, not {length}"
    for name in TABLES:
        of = measured.get(name, {})
        if of and (set(of) != {layer.name for layer in layers} or len({frozenset(found) for found in of.values()}) > 1):
            return f"{name} does not have the same numbers of every layer in it"
    return ""


def _unmeasurable(value: Any) -> Any:
    """Return what is neither a number nor a list or a table of them within a value, or None."""
    if isinstance(value, dict):
        return next((wrong for one in value.values() if (wrong := _unmeasurable(one)) is not None), None)
    if isinstance(value, list):
        return next((wrong for one in value if (wrong := _unmeasurable(one)) is not None), None)
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < LARGEST):
        return None
    return "nothing" if value is None else value


def _of_arrays(experiment: Experiment, arrays: dict[str, np.ndarray]) -> str:
    for name, (kind, length) in _shapes(experiment).items():
        array = arrays.get(name)
        if array is None:
            return f"the array {name} is missing in it"
        if array.dtype != kind or array.ndim != 1 or length not in (None, len(array)):
            return f"the array {name} is {array.dtype} {array.shape} in it, not {kind} ({length},)"
    layers = experiment.setting.architecture.layers
    if "kept_start" in arrays and "next_masks" in arrays:
        kept = int(np.unpackbits(arrays["next_masks"], count=sum(layer.weights for layer in layers)).sum())
        if arrays["kept_start"].shape != (kept,):
            return f"the array kept_start has {arrays['kept_start'].shape} values in it for {kept} kept weights"
    return ""


def _shapes(experiment: Experiment) -> Shapes:
    """Return the arrays that later experiments take from this one."""
    arm, architecture = experiment.arm, experiment.setting.architecture
    layout, shapes = architecture.layout, Shapes()
    if isinstance(arm.action, Train):
        if isinstance(arm.mask, Dense):
            kept = [0, *experiment.setting.config.snapshots]
            shapes |= {after(iterations): ("float32", layout.size) for iterations in kept}
        elif isinstance(arm.mask, Iterative) and IterativeMask.rests_on_training(arm):
            shapes["next_masks"] = ("uint8", -(-sum(layer.weights for layer in architecture.layers) // 8))
        if arm.action.predictions:
            shapes[PREDICTIONS] = ("uint8", None)
    searched = isinstance(arm.mask, ToShare) and isinstance(arm.action, Train)
    if searched or (is_planted(architecture.name) and isinstance(arm.action, (LearnMask, Evaluate))):
        shapes["mask"] = ("uint8", -(-layout.size // 8))
    return shapes
