"""Learned supermasks: frozen weights under a mask that is trained. Biases stay what they are, mostly zero.

`Bernoulli` (Zhou et al. 2019, section 5.2): each weight w has a trained logit s. A forward pass draws b = 1 with
probability sigmoid(s) and uses w b; the backward pass goes straight through to the probability, db/ds = sigmoid'(s).
With dynamic weight rescaling a layer's kept weights are multiplied by (number of weights) / (number kept), and, as in
the code of the paper, the gradient goes through that count too. The mask is drawn in evaluation as well, never rounded.

`TopK` (edge-popup, Ramanujan et al. 2020): each weight has a trained score; a forward pass keeps the given share of a
layer's weights, those with the largest |score|; the backward pass goes straight through the choice to every score.
Nothing is drawn.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from lottery.models.layout import Layout
from lottery.store.fingerprints import listed
from lottery.training.parametrisation import Parametrisation

MASKS = 10  # masks that a final accuracy is the mean of, each over the whole test set


def beside(block: Tensor, stream: torch.Generator) -> torch.Generator:
    """Return a stream on the device of `block`: the given one on a processor, one that it seeds on a GPU."""
    if block.device.type == "cpu":
        return stream
    return torch.Generator(block.device).manual_seed(int(torch.randint(2**62, (), generator=stream)))


class Supermask(Parametrisation, Protocol):
    """A parametrisation that is a mask, with what is asked of it once it is trained."""

    draws: int  # masks that a final accuracy is the mean of

    def remaining(self) -> Tensor:
        """Return the expected share of weights that a mask keeps, in per cent, (R,)."""


@listed
class Bernoulli:
    """R networks' logits `trained` (R, P), the `effective` parameters (R, P) of the last draw, and the way back.

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
        self._kept[:, layout.weights[-1].stop :] = 1  # biases, and what scales normalised channels
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
                through_count = _layer_sum(by_mask * mask) * factor / _layer_sum(mask)
                by_mask.mul_(factor).sub_(through_count)
        self.gradient.mul_(self._chance).mul_(1 - self._chance)
        self.gradient[:, self._layout.weights[-1].stop :] = 0

    def anneal(self, fraction: float) -> bool:
        """Return False: nothing changes from interval to interval."""
        return False

    def remaining(self) -> Tensor:
        """Return the expected share of weights that a mask keeps, in per cent, (R,)."""
        return 100 * torch.sigmoid(self.trained[:, : self._layout.weights[-1].stop]).mean(1)

    def _factors(self) -> list[Tensor]:
        """Return each layer's (number of weights) / (number kept), (R, 1, ...)."""
        return [mask[0].numel() / _layer_sum(mask) for mask in self._masks]


def _layer_sum(values: Tensor) -> Tensor:
    """Return the sum over each replica's layer, with dimensions kept."""
    return values.sum(tuple(range(1, values.dim())), keepdim=True)


@listed
class TopK:
    """R networks' scores `trained` (R, P), the `effective` parameters (R, P), and the gradient's way back.

    `start` (R, P) are the frozen parameters; `shares` say of which share of each layer's weights a replica keeps the
    best, rounded to a whole number of them; `streams` draw each replica's scores: uniform within one over the root of
    the layer's inputs, as the authors' code starts them. A layer keeps one weight at least. With `biases` those have
    scores as well, and each layer keeps the same share of them (Fischer & Burkholz 2021); without, biases have no mask
    and stay as they start. A replica that is `annealed` keeps share ** fraction as long as a fraction of the training
    is to be done at the interval's end.
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
        annealed: Sequence[bool] = (),
    ):
        self._shares, self._annealed = shares, annealed
        self._frozen, self._layout = start, layout
        self.trained, self.effective, self.effective_gradient, self.gradient = (
            torch.zeros_like(start) for _ in range(4)
        )
        self._kept = torch.ones_like(start)
        self._parts = [*layout.weights, *(layout.biases if biases else [])]
        fans = [layer.fan_in for layer in layout.network.layers] * (2 if biases else 1)
        for row, generator in enumerate(streams):
            for part, inputs in zip(self._parts, fans, strict=True):
                drawn = torch.rand(part.stop - part.start, generator=generator, dtype=start.dtype)
                self.trained[row, part] = ((2 * drawn - 1) / inputs**0.5).to(start.device)
        self.keep(shares)

    def keep(self, shares: Sequence[float]) -> None:
        """Keep another share of each replica's layers from the next choice on."""
        ends = [row for row in range(1, len(shares) + 1) if row == len(shares) or shares[row] != shares[row - 1]]
        # neighbours are chosen for at once
        self._groups = [(slice(first, end), shares[first]) for first, end in zip([0, *ends], ends)]

    def anneal(self, fraction: float) -> bool:
        """Keep what annealed replicas keep in this interval; return whether there are any."""
        if any(self._annealed):
            self.keep([share**fraction if falls else share for share, falls in zip(self._shares, self._annealed)])
        return any(self._annealed)

    def refresh(self) -> None:
        """Choose the weights with the largest scores, and set the effective parameters."""
        for part in self._parts:
            self._kept[:, part] = 0
            for rows, share in self._groups:
                # one weight a layer at least
                count = round(share * (part.stop - part.start)) or int(part in self._layout.weights)
                chosen = self.trained[rows, part].abs().topk(count, sorted=False).indices
                self._kept[rows, part].scatter_(1, chosen, 1.0)
        torch.mul(self._frozen, self._kept, out=self.effective)

    def pull_back(self) -> None:
        """Set `gradient` (R, P) to that of the scores, as if every weight were kept in the measure of its |score|."""
        torch.mul(self.effective_gradient, self._frozen, out=self.gradient).mul_(self.trained.sign())

    def remaining(self) -> Tensor:
        """Return the share of weights that the mask keeps, in per cent, (R,)."""
        return 100 * self._kept[:, : self._layout.weights[-1].stop].mean(1)

    def masks(self) -> Tensor:
        """Return where parameters are kept, (R, P) bool."""
        return self._kept.bool()
