"""Consensus: what several masks keep together. Paganini & Forde 2020, section 4.2 and algorithm 1."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.masks.mask import Masks, alike, shared


def votes(masks: Sequence[Tensor]) -> Tensor:
    """Return by how many of the masks of a layer each weight is kept, int32 of its shape."""
    found = alike(masks)
    total = torch.zeros(found[0].shape, dtype=torch.int32, device=found[0].device)
    for mask in found:
        total += mask
    return total


def consensus(masks: Sequence[Tensor], least: int) -> Tensor:
    """Return the mask of what at least so many of the masks of a layer keep: from 1, the union, to all of them."""
    if not 1 <= least <= len(alike(masks)):
        raise LotteryError(f"a consensus of {least} of {len(masks)} masks is none; ask for 1 to {len(masks)} of them")
    return votes(masks) >= least


def union(masks: Sequence[Tensor]) -> Tensor:
    """Return the mask of what any of the masks of a layer keeps."""
    return consensus(masks, 1)


def intersection(masks: Sequence[Tensor]) -> Tensor:
    """Return the mask of what all masks of a layer keep."""
    return consensus(masks, len(masks))


def agreed(networks: Sequence[Masks], least: int) -> dict[str, Tensor]:
    """Return the masks of what at least so many of the networks keep, by layer.

    A layer that is not in all of them with one shape, such as a head for another number of classes, has no mask of its
    own here, and is whole in a network that these masks are applied to. Raises where no layer is left.
    """
    return {name: consensus([network[name] for network in networks], least) for name in shared(networks)}
