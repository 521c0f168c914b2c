"""From scores to masks: exact counts, ties broken by a seeded draw, masks nested from round to round."""

import torch
from torch import Tensor

from lottery.core.rng import stream


def ranking(scores: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
    """Return the rank of every weight of one layer, (weights,) int64: 0 for the one that is pruned last.

    Weights that `mask` (True = kept) has pruned already come after all others. Equal scores are ordered by a random
    permutation drawn from `generator`, so that a tie never follows the position of a weight.
    """
    shuffled = torch.randperm(scores.numel(), generator=generator)
    values = scores.flatten()[shuffled]
    order = shuffled[values.argsort(descending=True, stable=True)]
    order = order[torch.argsort(~mask.flatten()[order], stable=True)]  # the pruned ones to the end, the order kept
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(order.numel())
    return ranks


def keep(ranks: Tensor, count: int, shape: tuple[int, ...]) -> Tensor:
    """Return the mask, True for the `count` weights that rank first."""
    return (ranks < count).view(shape)


def ties_of(seed: int, criterion: str, round: int, layer: str) -> torch.Generator:
    """Return the stream by which a criterion's ties are broken: its own, so that two masks are alike by scores alone.

    `random` is nothing but ties: one stream for all criteria would make each that ties many weights resemble it.
    """
    named = () if criterion == "random" else (criterion,)  # random masks keep the draws that baselines were taken with
    return stream(seed, "ties", *named, round, layer)
