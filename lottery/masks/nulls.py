"""Nulls: masks that share nothing with another but what they are conditioned on, and how far chance alone takes two.

A similarity says something only beside one of these: masks that keep few weights differ much by chance alone, small
layers stay dense in all of them, and networks with one start have that in common.
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.special import gammaln
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.imported import Imported
from lottery.masks.mask import checked
from lottery.masks.selection import largest

fftconvolve = Imported("scipy.signal", "fftconvolve")
hypergeom = Imported("scipy.stats", "hypergeom")

FAR, FEW = 12, 30  # deviations and weights from the mean, together, beyond which an overlap is out of the question


def uniform(masks: Sequence[Tensor], generator: torch.Generator) -> list[Tensor]:
    """Return random masks that keep as many weights as these do in all layers together, each choice as likely."""
    kept, sizes = _kept(masks), [mask.numel() for mask in masks]
    flat = torch.zeros(sum(sizes), dtype=torch.bool)
    flat[torch.randperm(len(flat), generator=generator)[: sum(kept)]] = True
    return [piece.view(mask.shape).to(mask.device) for piece, mask in zip(flat.split(sizes), masks)]


def layerwise(masks: Sequence[Tensor], generator: torch.Generator) -> list[Tensor]:
    """Return random masks that keep as many weights in each layer as these do: a permutation within it."""
    return [uniform([mask], generator)[0] for mask in masks]


def initial_magnitude(
    masks: Sequence[Tensor], weights: Sequence[Tensor], by_layer: bool, generator: torch.Generator
) -> list[Tensor]:
    """Return masks of the weights that are the largest at the start, as many as these masks keep.

    As many in each layer, or in all layers together; `weights` are the initial ones, of the masks' shapes. Equal sizes
    are drawn among from `generator`.
    """
    for mask, values in zip(masks, weights, strict=True):
        if mask.shape != values.shape:
            raise LotteryError(f"weights of shape {tuple(values.shape)} have a mask of shape {tuple(mask.shape)}")
    if by_layer:
        pairs = zip(masks, weights)
        return [initial_magnitude([mask], [values], False, generator)[0] for mask, values in pairs]
    everything = [torch.ones_like(mask) for mask in masks]
    return largest([values.detach().abs() for values in weights], everything, sum(_kept(masks)), generator)


def _kept(masks: Sequence[Tensor]) -> list[int]:
    return [int(checked(mask).count_nonzero()) for mask in masks]


def hypergeometric(first: int, second: int, size: int):
    """Return the law of the number of weights that two independent random masks of a layer of `size` weights both keep.

    `first` and `second` are how many each keeps. It is scipy's, frozen: `mean()`, `std()`, `pmf(k)`, `sf(k)`.
    """
    _check(first, second, size)
    return hypergeom(size, first, second)


def _check(first: int, second: int, size: int) -> None:
    if not (0 <= first <= size and 0 <= second <= size):
        raise LotteryError(f"masks of {first} and of {second} weights do not fit into a layer of {size}")


def chance_jaccard(counts: Sequence[tuple[int, int, int]]) -> float:
    """Return the expected Jaccard similarity of all weights of two masks that are independent within each layer.

    `counts` has (first, second, size) of every layer: what the two keep of it, and its weights. It is the mean over the
    law of their common weights, that of one layer folded with the others', exact up to rounding; 1 where none is kept.
    """
    start, law = 0, np.ones(1)  # law[i] is the chance of start + i common weights
    for first, second, size in counts:
        _check(first, second, size)
        low, chances = _likely(first, second, size)
        start, law = start + low, np.clip(fftconvolve(law, chances), 0, None)
    total = sum(first + second for first, second, _ in counts)
    if not total:
        return 1.0
    both = start + np.arange(len(law))
    return float(law @ (both / (total - both)) / law.sum())


def _likely(first: int, second: int, size: int) -> tuple[int, np.ndarray]:
    """Return the smallest number of common weights that is not out of the question, and the chances of it and on."""
    mean, variance = _moments(first, second, size)
    reach = FAR * variance**0.5 + FEW
    low, high = max(0, first + second - size, int(mean - reach)), min(first, second, int(mean + reach) + 1)
    both = np.arange(low, high + 1)
    # scipy's own law takes milliseconds a layer, hundreds of times this
    ways = _log_ways(first, both) + _log_ways(size - first, second - both) - _log_ways(size, second)
    return low, np.exp(ways)


def _log_ways(size: int, chosen: np.ndarray | int) -> np.ndarray:
    """Return the logarithm of the number of ways to choose so many of `size`."""
    return gammaln(size + 1) - gammaln(chosen + 1) - gammaln(size - chosen + 1)


def excess(both: int, counts: Sequence[tuple[int, int, int]]) -> float:
    """Return how many deviations more weights two masks share than ones that are independent within each layer.

    `both` is what they share in all layers together, `counts` has (first, second, size) of every layer. 0 where chance
    has no choice: the counts alone say how many are shared. Raises where they cannot share so many.
    """
    laws = [hypergeometric(*of) for of in counts]
    low, high = (sum(ends) for ends in zip(*(law.support() for law in laws))) if laws else (0, 0)
    if not low <= both <= high:
        raise LotteryError(f"{both} weights cannot be common to masks that share {low} to {high}; look at the counts")
    mean, variance = (sum(moments) for moments in zip(*(_moments(*of) for of in counts))) if laws else (0, 0)
    return (both - mean) / variance**0.5 if variance else 0.0


def _moments(first: int, second: int, size: int) -> tuple[float, float]:
    """Return mean and variance of the hypergeometric law; scipy's own divide by zero in the smallest layers."""
    spread = first * second * (size - first) * (size - second)
    return first * second / max(1, size), spread / (max(1, size) ** 2 * max(1, size - 1))
