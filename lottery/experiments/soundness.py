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
STEPS = ("iterations", "interval", "early_stop_iteration")  # whole numbers wherever they are measured
TRAINED = ("validation_loss", "validation_accuracy", "test_accuracy_early_stop", "test_accuracy_end",
           "test_accuracy_constant", *STEPS)  # fmt: skip
CURVES = ("validation_loss", "validation_accuracy")
LEARNED = ("test_accuracy_end", "weights_remaining", "iterations")
PLANTED = ("strong", "ticket", "constant", "affine", "kept", "iterations", *RATES)
LOOKED = {Inspect: ("anatomy",), Count: ("anatomy",), Recover: ("kept", *RATES)}
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
    return "" if 0 <= made["seconds"] < float("inf") else "it took no time that there can be"


def _of_measurements(experiment: Experiment, measured: dict[str, Any]) -> str:
    action, planted = experiment.arm.action, is_planted(experiment.setting.network)
    if type(action) in LOOKED:
        names: tuple[str, ...] = LOOKED[type(action)]
    elif planted:
        names = PLANTED
    elif isinstance(action, Train):
        names = TRAINED
    elif isinstance(action, LearnMask):
        names = LEARNED
    else:
        names = ("test_accuracy_start", "accuracy_step") if isinstance(action, Evaluate) else ()
    if missing := [name for name in names if name not in measured]:
        return f"{', '.join(missing)} is not measured in it"
    if not measured:
        return "nothing is measured in it"
    if wrong := [name for name in STEPS if name in measured and type(measured[name]) is not int]:
        return f"{wrong[0]} is no whole number in it"
    for name, value in measured.items():
        if wrong_part := _unmeasurable(value):
            return f"{name} has {wrong_part!r:.80} in it, which is no number"
    return _of_lengths(experiment, measured)


def _of_lengths(experiment: Experiment, measured: dict[str, Any]) -> str:
    """Return what is wrong about lists whose lengths are known."""
    if isinstance(experiment.arm.action, Train) and not is_planted(experiment.setting.network):
        config = experiment.setting.config
        looks = config.iterations // config.interval
        if short := [name for name in CURVES if len(measured[name]) != looks]:
            return f"{short[0]} has {len(measured[short[0]])} values in it, and {looks} looks were taken"
    if isinstance(experiment.arm.action, Evaluate) and not is_planted(experiment.setting.network):
        rungs = measured["test_accuracy_start"]
        if len(rungs) != len(SUPERMASK_ROUNDS):
            return f"test_accuracy_start has {len(rungs)} values in it, for {len(SUPERMASK_ROUNDS)} rungs"
    return ""


def _unmeasurable(value: Any) -> Any:
    """Return what is neither a number nor a list or a table of them within a value, or None."""
    if isinstance(value, dict):
        return next((wrong for one in value.values() if (wrong := _unmeasurable(one)) is not None), None)
    if isinstance(value, list):
        return next((wrong for one in value if (wrong := _unmeasurable(one)) is not None), None)
    return None if isinstance(value, (int, float)) else value if value is not None else "nothing"


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
