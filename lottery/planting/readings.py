"""Reading what a search found in a planted network: how good it is, what it kept, how much of that was planted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.data.datasets import Dataset
from lottery.data.made_tasks import REGRESSION, score, trivial
from lottery.models.layout import Layout
from lottery.planting.planted_networks import target_of, task_of

RATES = ("recall", "precision", "chance")


def overlap(layout: Layout, kept: Tensor, planted: Tensor) -> list[dict[str, float]]:
    """Return for every search the number of weights kept, their recall and precision, and the recall by chance.

    `kept` and `planted` are (R, P) bool. Chance is to keep as many random weights of every layer: planted ones lie
    densely in narrow layers, and whoever keeps those finds many without knowing which.
    """
    counts = [
        (kept[:, part].sum(1).double(), planted[:, part].sum(1).double(), part.stop - part.start)
        for part in layout.weights
    ]
    all_kept, all_planted = (sum(column) for column in list(zip(*counts))[:2])
    both = sum((kept[:, part] & planted[:, part]).sum(1).double() for part in layout.weights)
    by_chance = sum(of_kept * of_planted / size for of_kept, of_planted, size in counts)
    columns = (both / all_planted, both / all_kept.clamp(min=1), by_chance / all_planted, all_kept)
    return [dict(zip((*RATES, "kept"), row)) for row in zip(*(column.tolist() for column in columns))]


def readings(name: str, outputs: Tensor, observed: Tensor, scale: Tensor, softmax: bool) -> dict[str, list[float]]:
    """Return scores (R,) on test data of outputs (R, n, O): "raw", "scaled" by the planting, in regressions fitted.

    "fitted" multiplies each output by the factor, not below zero, that brings it closest to the observed; "any_sign"
    lets it be negative, as the released code does. With `softmax` outputs are read after one. NaN: it diverged.
    """
    task = task_of(name)[0]
    found = {"raw": outputs, "scaled": outputs / scale}
    if softmax:
        found = {how: values.softmax(2) for how, values in found.items()}
        outputs = found["raw"]
    if task in REGRESSION:
        square = outputs.square().sum(1, keepdim=True)
        factor = torch.where(square > 0, (outputs * observed).sum(1, keepdim=True) / square, 1.0)
        found |= {"fitted": outputs * factor.clamp(min=0), "any_sign": outputs * factor}
    sound = outputs.isfinite().all(2).all(1)
    return {how: torch.where(sound, score(task, values, observed), torch.nan).tolist() for how, values in found.items()}


def kept_parts(layout: Layout, kept: Tensor) -> dict[str, object]:
    """Return what a search kept, (P,) bool: counts by layer, and whether a path is left from inputs to outputs."""
    parts = layout.parts(kept)
    names = [layer.name for layer in layout.network.layers]
    reached = torch.ones(parts[names[0]].shape[0], dtype=torch.bool)
    for name in names:
        reached = (reached.unsqueeze(1) & parts[name]).any(0)
    biases = [int(parts[f"{name} bias"].sum()) for name in names]
    return {
        "weights_kept": [int(parts[name].sum()) for name in names],
        "biases_kept": biases,
        "connected": bool(reached.any()),
    }


def levels(name: str, data: Dataset) -> dict[str, float]:
    """Return what searches are measured against on a seed's data: the scores of the target and of trivial functions."""
    task = task_of(name)[0]
    return {
        "ticket": float(score(task, target_of(name)(data.test.images.double()), data.test.labels)),
        **trivial(task, data),
    }


def strongest(name: str, of: dict[str, float]) -> float:
    """Return the best of an untrained ticket's readings, but for "any sign"; NaN where one of them is no number."""
    values: Sequence[float] = [value for how, value in of.items() if how != "any_sign"]
    best = min if task_of(name)[0] in REGRESSION else max
    return best(values) if all(value == value for value in values) else values[0]
