"""Pruned weights: at which value they are frozen (the mask-0 actions of Zhou et al. 2019, section 4).

An action returns where the next round starts at zero, (inputs, outputs) bool; elsewhere it starts at the initial value.
Kept weights are trained from there, pruned ones are frozen there. It names what it needs as arguments:

    mask       True where the weight is kept in the next round
    newly      True where the weight is pruned by this round
    shrank     True where the weight ended this round closer to zero than it started, |w_f| < |w_i|
    grew       True where it ended farther away, |w_f| > |w_i|; equal is neither
    was_zero   True where this round started at zero
    generator  a random stream of this replica, round and layer

A weight that was frozen in an earlier round has neither shrunk nor grown, so it stays what it is.
"""

import torch
from torch import Tensor

from lottery.core.registry import Registry

ZERO = "zero"  # the ticket of Frankle & Carbin: all pruned weights at zero; needs no memory of the rounds before
PRUNED = action = Registry(
    "action on pruned weights",
    "actions on pruned weights",
    ("mask", "newly", "shrank", "grew", "was_zero", "generator"),
)


@action
def zero(mask: Tensor) -> Tensor:
    """All pruned weights at zero."""
    return ~mask


@action
def init(mask: Tensor) -> Tensor:
    """All pruned weights at their initial value."""
    return torch.zeros_like(mask)


@action
def variant_1(mask: Tensor, newly: Tensor, shrank: Tensor, was_zero: Tensor) -> Tensor:
    """Pruned weights that moved towards zero at zero, the others at their initial value."""
    return (newly & shrank) | (~mask & was_zero)


@action
def variant_2(shrank: Tensor, was_zero: Tensor) -> Tensor:
    """As variant 1, and kept weights that moved towards zero start at zero as well."""
    return shrank | was_zero


@action
def variant_1_shuffled(
    mask: Tensor, newly: Tensor, shrank: Tensor, was_zero: Tensor, generator: torch.Generator
) -> Tensor:
    """The control of variant 1: every round adds as many zeros, at random places among the weights that it prunes."""
    places = newly.flatten().nonzero()[:, 0]
    chosen = places[torch.randperm(len(places), generator=generator)[: int((newly & shrank).sum())]]
    zeros = (~mask & was_zero).flatten()
    zeros[chosen] = True
    return zeros.view(mask.shape)


@action
def variant_1_reversed(mask: Tensor, newly: Tensor, grew: Tensor, was_zero: Tensor) -> Tensor:
    """The reversed rule: pruned weights that moved away from zero at zero, the others at their initial value."""
    return (newly & grew) | (~mask & was_zero)
