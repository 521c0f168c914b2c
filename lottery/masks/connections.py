"""Connections: how a mask spreads them over the units that they enter and the inputs that they leave."""

import torch
from torch import Tensor

NAMES = ("spread_over_units", "spread_over_inputs", "valley_over_inputs")
NEAR = 1 / 6  # of the way between two peaks: how far from a peak, or from the middle, counts are gathered


def connections(mask: Tensor) -> dict[str, float]:
    """Return how the connections of a layer's mask (inputs, outputs) are spread.

    spread_over_units, spread_over_inputs  deviation over mean of their number, chance included
    valley_over_inputs  share of the inputs that have about as many connections as lie midway between those of few and
               those of many, minus the share about as close to the rarer of the two: below 0 where there are two peaks

    NaN where there is nothing to measure: no connection, or inputs that are all alike.
    """
    entering, leaving = (mask.sum(side).double() for side in (0, 1))
    if not mask.any():
        return dict.fromkeys(NAMES, float("nan"))
    return dict(zip(NAMES, (_spread(entering), _spread(leaving), valley(leaving))))


def _spread(counts: Tensor) -> float:
    return (counts.std(correction=0) / counts.mean()).item()


def valley(counts: Tensor) -> float:
    """Return the share of values midway between the means of the few and of the many, minus that at the rarer mean."""
    from scipy.cluster.vq import kmeans

    ends = torch.stack([counts.min(), counts.max()])
    if ends[0] == ends[1]:
        return float("nan")
    low, high = sorted(kmeans(counts.numpy(), ends.numpy())[0])
    reach = NEAR * (high - low)
    midway, few, many = (
        ((counts - place).abs() <= reach).double().mean().item() for place in ((low + high) / 2, low, high)
    )
    return midway - min(few, many)
