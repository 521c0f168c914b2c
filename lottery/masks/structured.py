"""Structured masks: whole units of a layer are kept or pruned.

A unit is a slice of a layer's weights (out, in[, h, w]) along an axis: on axis 0 what computes one output, on axis 1
what comes from one input. Axis 0 of a network's last layer are its outputs, classes for example; whoever chooses the
layers has to spare it. Here a layer is a tensor, and its first axis like any other.
"""

import math
from fractions import Fraction

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.masks.mask import checked
from lottery.masks.ranking import keep, ranking


def unit_scores(scores: Tensor, mask: Tensor, axis: int, norm: float) -> Tensor:
    """Return the norm of every unit's scores, (units,) float64; pruned weights count as zero.

    `norm` is 1, 2, inf (the largest), -inf (the smallest, 0 where a weight of the unit is pruned) or another order.
    """
    others = [place for place in range(scores.dim()) if place != _axis(mask, axis)]
    if scores.shape != mask.shape:
        raise LotteryError(f"scores of shape {tuple(scores.shape)} have a mask of shape {tuple(mask.shape)}")
    left = torch.where(mask, scores.detach(), 0)
    if left.isnan().any():
        raise LotteryError("a score of a weight that is left is NaN, and cannot be ranked")
    return torch.linalg.vector_norm(left, ord=norm, dim=others, dtype=torch.float64) if others else left.abs().double()


def keep_units(scores: Tensor, mask: Tensor, axis: int, norm: float, count: int, generator: torch.Generator) -> Tensor:
    """Return the mask that keeps, of the units that `mask` has left, the `count` whose scores have the largest norms.

    Weights that are pruned already stay so, in a unit that is kept too. Equal norms are drawn among from `generator`.
    Raises where fewer are left, and for none of some, which would cut the network in two.
    """
    axis = _axis(mask, axis)
    units = _units(mask, axis)
    left = int(units.count_nonzero())
    if not min(left, 1) <= count <= left:
        raise LotteryError(f"{count} units cannot be kept of the {left} that are left; keep 1 to {left}")
    ranks = ranking_of_units(scores, mask, axis, norm, generator)
    size = mask.numel() // max(1, len(units))
    return mask & keep(ranks, count * size, tuple(mask.shape)).to(mask.device)


def ranking_of_units(scores: Tensor, mask: Tensor, axis: int, norm: float, generator: torch.Generator) -> Tensor:
    """Return the rank of every weight, (weights,) int64, where whole units rank by the norm of their scores.

    The weights of a unit follow on each other, so that cutting at a multiple of its size keeps whole units.
    """
    axis = _axis(mask, axis)
    units = _units(mask, axis)
    ranks = ranking(unit_scores(scores, mask, axis, norm).cpu(), units.cpu(), generator)
    size = mask.numel() // max(1, len(units))
    within = torch.arange(size).expand(len(units), size)
    apart = (ranks.unsqueeze(1) * size + within).view(mask.movedim(axis, 0).shape)
    return apart.movedim(0, axis).flatten()


def units_left(mask: Tensor, axis: int) -> int:
    """Return of how many units along an axis a mask keeps any weight."""
    return int(_units(mask, _axis(mask, axis)).count_nonzero())


def remaining(count: int, share: Fraction | float, nearest: bool) -> int:
    """Return how many of `count` units are left when a share of them goes, one at least, unless there is none.

    As many go as `share * count` is, to the nearest whole number, half to even, as `torch.nn.utils.prune` does, or
    rounded down. A share of a fifth thus takes 6 to 5, 4, 3, 2, and then nothing more: `stuck` says so. A float is
    rounded after it is multiplied, a `Fraction` is exact.
    """
    if not 0 <= share <= 1 or count < 0:
        raise LotteryError(f"a share of {share} of {count} units cannot be pruned; give one from 0 to 1")
    removed = round(share * count) if nearest else math.floor(share * count)
    return max(count - removed, min(count, 1))


def stuck(count: int, share: Fraction | float, nearest: bool) -> bool:
    """Return whether a share that is to go takes none of `count` units, in this round and in all that follow."""
    return share > 0 and remaining(count, share, nearest) == count


def _units(mask: Tensor, axis: int) -> Tensor:
    """Return which units have any weight left, (units,) bool."""
    return checked(mask).movedim(axis, 0).flatten(1).any(1) if mask.dim() > 1 else mask


def _axis(mask: Tensor, axis: int) -> int:
    """Return the axis counted from the front; raise where there is no such."""
    if not -mask.dim() <= axis < mask.dim():
        raise LotteryError(f"weights of shape {tuple(mask.shape)} have no axis {axis}")
    return axis % mask.dim()
