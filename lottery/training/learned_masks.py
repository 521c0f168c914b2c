"""Learned supermasks: frozen weights under a mask that is trained. Biases stay what they are, which in most networks is zero.

`Bernoulli` (Zhou et al. 2019, section 5.2): each weight w has a trained logit s. A forward pass draws b = 1 with probability
sigmoid(s) and uses w b; the backward pass goes straight through to the probability, db/ds = sigmoid'(s). With dynamic weight
rescaling a layer's kept weights are multiplied by (number of weights) / (number kept), and, as in the code of the paper, the
gradient goes through that count too. The mask is drawn in evaluation as well, never rounded.

`TopK` (edge-popup, Ramanujan et al. 2020): each weight has a trained score; a forward pass keeps the given share of a layer's
weights, those with the largest |score|; the backward pass goes straight through the choice to every score. Nothing is drawn.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from lottery.models.layout import Layout

MASKS = 10  # masks that a final accuracy is the mean of, each over the whole test set


def beside(block: Tensor, stream: torch.Generator) -> torch.Generator:
    """Return a stream on the device of `block`: the given one on a processor, one that it seeds on a GPU."""
    if block.device.type == "cpu":
        return stream
    return torch.Generator(block.device).manual_seed(int(torch.randint(2**62, (), generator=stream)))


class Supermask(Protocol):
    """What the engine asks of a trained mask once it is trained."""

    trained: Tensor  # (R, P)
    draws: int  # masks that a final accuracy is the mean of

    def refresh(self) -> None:
        """Draw new masks."""

    def remaining(self) -> Tensor:
        """Return the expected share of weights that a mask keeps, in per cent, (R,)."""


class Bernoulli:
    """R networks' logits `trained` (R, P), the `effective` parameters (R, P) of the last draw, and the gradient's way back.

    `start` (R, P) are the frozen weights, `logit` is what every logit starts from, `streams` draw each replica's masks.
    """

    draws = MASKS
    resident = False  # each replica's masks are drawn from its own stream, which a captured step could not advance

    def __init__(
        self,
        start: Tensor,
        layout: Layout,
        streams: Sequence[torch.Generator],
        logit: float = 0.0,
        rescaled: bool = False,
    ):
        self._weights, self._layout, self._rescaled = start, layout, rescaled
        self._streams = [beside(start, stream) for stream in streams]
        self.trained = torch.full_like(start, logit)
        self.effective, self.effective_gradient, self.gradient = (torch.zeros_like(start) for _ in range(3))
        self._kept, self._uniform, self._chance = (torch.zeros_like(start) for _ in range(3))
        self._masks = layout.weight_views(self._kept)

    def refresh(self) -> None:
        """Draw new masks, and set the effective parameters."""
        count = self._layout.weights[-1].stop
        for row, generator in zip(self._uniform, self._streams):
            row[:count] = torch.rand(count, generator=generator, dtype=row.dtype, device=row.device)
        torch.sigmoid(self.trained, out=self._chance)
        self._kept[:, :count] = self._uniform[:, :count] < self._chance[:, :count]
        torch.mul(self._weights, self._kept, out=self.effective)
        if self._rescaled:
            for effective, factor in zip(self._layout.weight_views(self.effective), self._factors()):
                effective.mul_(factor)

    def pull_back(self) -> None:
        """Set `gradient` (R, P) to that of the logits, from `effective_gradient`."""
        torch.mul(self.effective_gradient, self._weights, out=self.gradient)  # by b, before the rescaling
        if self._rescaled:
            for by_mask, mask, factor in zip(self._layout.weight_views(self.gradient), self._masks, self._factors()):
                through_count = (by_mask * mask).sum((1, 2), keepdim=True) * factor / mask.sum((1, 2), keepdim=True)
                by_mask.mul_(factor).sub_(through_count)
        self.gradient.mul_(self._chance).mul_(1 - self._chance)
        self.gradient[:, self._layout.weights[-1].stop :] = 0

    def remaining(self) -> Tensor:
        """Return the expected share of weights that a mask keeps, in per cent, (R,)."""
        return 100 * torch.sigmoid(self.trained[:, : self._layout.weights[-1].stop]).mean(1)

    def _factors(self) -> list[Tensor]:
        """Return each layer's (number of weights) / (number kept), (R, 1, 1)."""
        return [mask[0].numel() / mask.sum((1, 2), keepdim=True) for mask in self._masks]


class TopK:
    """R networks' scores `trained` (R, P), the `effective` parameters (R, P), and the gradient's way back.

    `start` (R, P) are the frozen parameters; `shares` say of which share of each layer's weights a replica keeps the best,
    rounded to a whole number of them; `streams` draw each replica's scores: uniform within one over the root of the layer's
    inputs, as the authors' code starts them. A layer keeps one weight at least. With `biases` those have scores as well, and each
    layer keeps the same share of them (Fischer & Burkholz 2021); without, biases have no mask and stay as they start.
    """

    draws = 1
    resident = True

    def __init__(
        self,
        start: Tensor,
        layout: Layout,
        streams: Sequence[torch.Generator],
        shares: Sequence[float],
        biases: bool = False,
    ):
        self._frozen, self._layout = start, layout
        self.trained, self.effective, self.effective_gradient, self.gradient = (
            torch.zeros_like(start) for _ in range(4)
        )
        self._kept = torch.ones_like(start)
        self._parts = [*layout.weights, *(layout.biases if biases else [])]
        fans = [inputs for inputs, _ in layout.shapes] * (2 if biases else 1)
        for row, generator in enumerate(streams):
            for part, inputs in zip(self._parts, fans):
                drawn = torch.rand(part.stop - part.start, generator=generator, dtype=start.dtype)
                self.trained[row, part] = ((2 * drawn - 1) / inputs**0.5).to(start.device)
        self.keep(shares)

    def keep(self, shares: Sequence[float]) -> None:
        """Keep another share of each replica's layers from the next choice on."""
        ends = [row for row in range(1, len(shares) + 1) if row == len(shares) or shares[row] != shares[row - 1]]
        self._groups = [
            (slice(first, end), shares[first]) for first, end in zip([0, *ends], ends)
        ]  # neighbours are chosen for at once

    def refresh(self) -> None:
        """Choose the weights with the largest scores, and set the effective parameters."""
        for part in self._parts:
            self._kept[:, part] = 0
            for rows, share in self._groups:
                count = round(share * (part.stop - part.start)) or int(
                    part in self._layout.weights
                )  # one weight a layer at least
                chosen = self.trained[rows, part].abs().topk(count, sorted=False).indices
                self._kept[rows, part].scatter_(1, chosen, 1.0)
        torch.mul(self._frozen, self._kept, out=self.effective)

    def pull_back(self) -> None:
        """Set `gradient` (R, P) to that of the scores, from `effective_gradient`, as if every weight were kept in the measure of its |score|."""
        torch.mul(self.effective_gradient, self._frozen, out=self.gradient).mul_(self.trained.sign())

    def remaining(self) -> Tensor:
        """Return the share of weights that the mask keeps, in per cent, (R,)."""
        return 100 * self._kept[:, : self._layout.weights[-1].stop].mean(1)

    def masks(self) -> Tensor:
        """Return where parameters are kept, (R, P) bool."""
        return self._kept.bool()
