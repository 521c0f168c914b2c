"""Selection: which weights of several layers rank first together, without sorting or joining the layers.

The score at which to cut is found digit by digit: scores become whole numbers of the same order, and histograms of 16
of their bits, two in float32 and four in float64, narrow it down. That takes a few passes and the memory of one block;
a sort of all layers together takes several copies of them, and indices of 64 bits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lottery.core.errors import LotteryError

BLOCK = 2**17  # scores that are looked at together, so that what is made of them stays in the cache
DIGIT = 16  # bits that a histogram tells apart
WHOLE = {torch.float32: torch.int32, torch.float64: torch.int64}  # numbers of as many bits


def largest(scores: Sequence[Tensor], masks: Sequence[Tensor], count: int, generator: torch.Generator) -> list[Tensor]:
    """Return masks of the `count` weights whose scores are the largest of all layers, among those that `masks` keep.

    Which of the weights with exactly the score at the cut are kept is drawn from `generator`, every choice as likely;
    nothing is drawn where there is no choice. Raises where fewer than `count` are left, and for NaN among their scores.
    """
    left = sum(int(mask.count_nonzero()) for mask in masks)
    if not 0 <= count <= left:
        raise LotteryError(f"{count} weights cannot be kept of the {left} that are left")
    if count == left:
        return [mask.clone() for mask in masks]
    if not count:
        return [torch.zeros_like(mask) for mask in masks]
    numbers = Numbers(tuple(scores), tuple(masks))
    return _filled(numbers, *_cut(numbers, count), generator)


@dataclass(frozen=True)
class Numbers:
    """Scores of layers as whole numbers, which are ordered as they are; pruned weights have the smallest of all."""

    scores: tuple[Tensor, ...]
    masks: tuple[Tensor, ...]

    @property
    def dtype(self) -> torch.dtype:
        """The float type that holds all scores exactly."""
        return torch.float64 if any(values.dtype == torch.float64 for values in self.scores) else torch.float32

    def blocks(self) -> Iterator[Tensor]:
        """Yield them in blocks, layer by layer; raise for NaN."""
        whole = WHOLE[self.dtype]
        lowest, sign = torch.iinfo(whole).min, torch.iinfo(whole).bits - 1
        infinity = int(torch.tensor(torch.inf, dtype=self.dtype).view(whole))
        for values, mask in self._pieces():
            bits = (values.to(self.dtype) + 0.0).view(whole)  # -0.0 becomes 0.0
            ordered = bits ^ (bits >> sign & ~lowest)  # negative floats count down
            low, high = ordered.aminmax()
            if (high > infinity or low < ~infinity) and (values.isnan() & mask).any():
                raise LotteryError("a score of a weight that is left is NaN, and cannot be ranked")
            if not mask.all():
                ordered = (ordered ^ lowest) & -mask.to(whole) ^ lowest  # faster than torch.where
            yield ordered

    def _pieces(self) -> Iterator[tuple[Tensor, Tensor]]:
        for values, mask in zip(self.scores, self.masks):
            if mask.numel():
                yield from zip(values.reshape(-1).split(BLOCK), mask.reshape(-1).split(BLOCK))


def _cut(numbers: Numbers, count: int) -> tuple[int, int, int]:
    """Return the count-th largest number, how many there are of it, and how many of these are to be kept."""
    bits = torch.iinfo(WHOLE[numbers.dtype]).bits
    cut, wanted, found = 0, count, 0
    for shift in range(bits - DIGIT, -1, -DIGIT):
        histogram = torch.zeros(2**DIGIT, dtype=torch.int64)
        for block in numbers.blocks():
            part = block if shift == bits - DIGIT else block[block >> shift + DIGIT == cut]
            histogram += (part >> shift & 2**DIGIT - 1).bincount(minlength=2**DIGIT).cpu()
        if shift == bits - DIGIT:
            histogram = histogram.roll(2 ** (DIGIT - 1))  # the first digit has the sign
        above = histogram.sum() - histogram.cumsum(0)  # with a larger digit than each
        digit = int((above < wanted).nonzero()[0])
        wanted, found = wanted - int(above[digit]), int(histogram[digit])
        cut = digit - 2 ** (DIGIT - 1) if shift == bits - DIGIT else cut << DIGIT | digit
    return cut, found, wanted


def _filled(numbers: Numbers, cut: int, ties: int, wanted: int, generator: torch.Generator) -> list[Tensor]:
    """Return masks of the numbers above the cut and of so many, drawn, of those at it."""
    filled = [torch.empty_like(mask, memory_format=torch.contiguous_format) for mask in numbers.masks]
    pieces = (piece for mask in filled if mask.numel() for piece in mask.view(-1).split(BLOCK))
    if wanted == ties:
        for piece, block in zip(pieces, numbers.blocks()):
            torch.ge(block, cut, out=piece)
        return filled
    chosen, place = torch.ones(ties, dtype=torch.bool), 0
    chosen[torch.randperm(ties, generator=generator)[wanted:]] = False
    for piece, block in zip(pieces, numbers.blocks()):
        torch.gt(block, cut, out=piece)
        tied = block == cut
        here = int(tied.count_nonzero())
        piece.masked_scatter_(tied, chosen[place : place + here].to(tied.device))
        place += here
    return filled
