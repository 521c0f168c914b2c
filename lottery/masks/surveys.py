"""Surveys: what a mask keeps of a layer, counted, and how the initial values of what it keeps are spread."""

from torch import Tensor

from lottery.models.layers import INPUTS, OUTPUTS, Layer

OUTER = 0.7  # of the largest initial size: where a distribution with two peaks has them (Paganini & Forde 2020, Fig. 7)
MIDDLE = 0.1  # of it: how far from zero, and from the peaks, values are counted


def survey(layer: Layer, mask: Tensor, w_init: Tensor) -> dict[str, float]:
    """Return what a mask keeps of a layer, both of the layer's shape, over its initial weights.

    weights, kept    their numbers
    empty_inputs, empty_outputs  units of either side without a connection
    inputs, outputs  numbers of units
    deviation        of the kept initial weights, as a multiple of that of all
    mean             of the kept initial weights, in deviations of theirs
    kurtosis         of the kept initial weights minus that of all: below zero where the middle is missing
    valley           density of kept initial weights around zero, over that around 0.7 of the largest, both signs

    NaN where fewer than two weights are kept, or none around 0.7 of the largest.
    """
    kept, whole = w_init[mask].double(), w_init.flatten().double()
    counts = {"weights": mask.numel(), "kept": int(mask.sum())}
    for side in (INPUTS, OUTPUTS):
        connections = mask.movedim(layer.axis(side), 0).flatten(1).sum(1)
        counts |= {f"empty_{side}": int((connections == 0).sum()), side: len(connections)}
    if len(kept) < 2:
        return counts | dict.fromkeys(("deviation", "mean", "kurtosis", "valley"), float("nan"))
    return counts | {
        "deviation": (kept.std() / whole.std()).item(),
        "mean": (kept.mean() / kept.std()).item(),
        "kurtosis": (_kurtosis(kept) - _kurtosis(whole)).item(),
        "valley": _valley(kept, float(whole.abs().max())),
    }


def _kurtosis(values: Tensor) -> Tensor:
    apart = values - values.mean()
    return apart.pow(4).mean() / apart.square().mean().square()


def _valley(values: Tensor, largest: float) -> float:
    reach = MIDDLE * largest
    around = [(values - place * largest).abs().le(reach).double().mean().item() for place in (0.0, OUTER, -OUTER)]
    peaks = (around[1] + around[2]) / 2
    return around[0] / peaks if peaks else float("nan")
