"""Scores of a module's weights by any criterion, of the suite or one's own, with all that it asks for."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from lottery.core.errors import LotteryError, told
from lottery.core.registry import Registry
from lottery.masks import criteria
from lottery.masks.mask import Masks
from lottery.masks.saliency import Forward, Parameters, Saliency
from lottery.masks.starts import started
from lottery.models.losses import LOSSES

Criterion = str | Callable[..., Tensor]


@dataclass
class Scores:
    """What a criterion makes of a module's weights under masks.

    `initial` has what the module started from, by name. `samples` are inputs and what was observed for them, on which
    slopes of the `loss`, a name of `lottery/models/losses.py`, are taken.
    """

    module: nn.Module
    criterion: Criterion
    masks: Masks
    initial: Mapping[str, Tensor] | None
    samples: tuple[Tensor, Tensor] | None
    loss: str
    generator: torch.Generator

    def of(self, name: str) -> Tensor:
        """Return the scores of a weight, in its shape; raise where the criterion gives none that can be ranked."""
        asked = [argument for argument in self._only.arguments if self._only.asks(self._name, argument)]
        offered = {argument: self._offered(argument, name) for argument in asked}
        try:
            scores = self._only.call(self._name, **offered)
        except Exception as error:
            raise LotteryError(f"criterion {self._name!r} raised {told(error)}") from error
        return self._checked(scores, self.masks[name])

    @cached_property
    def _only(self) -> Registry:
        """A register of this criterion alone, which refuses one that asks for what is not offered."""
        function = criteria.CRITERIA.find(self.criterion) if isinstance(self.criterion, str) else self.criterion
        if not callable(function):
            raise LotteryError(f"a criterion is a name or a function, not {type(function).__name__}")
        only = Registry("criterion", "criteria", criteria.CRITERIA.arguments)
        only.add(self._name, function)
        return only

    @property
    def _name(self) -> str:
        return self.criterion if isinstance(self.criterion, str) else getattr(self.criterion, "__name__", "yours")

    def _offered(self, argument: str, name: str) -> Tensor | torch.Generator:
        """Return what a criterion calls so, for a weight: a tensor (1, ...), of which one's own gets a copy."""
        if argument == "generator":
            return self.generator
        what, _, moment = argument.partition("_")
        if argument == "mask":
            values = self.masks[name]
        else:
            values = self._weights(moment, [name])[name] if what == "w" else self._slopes(argument)[name]
        values = values.detach().to(self.masks[name].device).contiguous().unsqueeze(0)
        ours = self._only.find(self._name).__module__ == criteria.__name__
        return values if ours else values.clone()

    def _weights(self, moment: str, names: Iterable[str]) -> Mapping[str, Tensor]:
        now = dict(self.module.named_parameters())
        return now if moment == "final" else started(now, self.initial, names)

    def _slopes(self, argument: str) -> Mapping[str, Tensor]:
        """Return a derivative of all weights, taken once."""
        if argument not in self._taken:
            what, _, moment = argument.partition("_")
            weights = self._weights(moment, dict(self.module.named_parameters()))
            self._taken[argument] = self._derivative(what, weights, argument)
        return self._taken[argument]

    @cached_property
    def _taken(self) -> dict[str, Mapping[str, Tensor]]:
        return {}

    def _derivative(self, what: str, weights: Parameters, argument: str) -> Mapping[str, Tensor]:
        if self.samples is None:
            raise LotteryError(
                f"criterion {self._name!r} asks for {argument}; give samples=(inputs, labels) to take it on"
            )
        if self.loss not in LOSSES:
            raise LotteryError(f"there is no loss {self.loss!r}; the losses are {', '.join(LOSSES)}")
        inputs, observed = self.samples
        try:
            return getattr(Saliency(forward_of(self.module), weights, self.masks, inputs, observed, self.loss), what)
        except Exception as error:
            raise LotteryError(f"{argument} could not be taken on the samples: {told(error)}") from error

    def _checked(self, scores: object, mask: Tensor) -> Tensor:
        """Return scores in the weight's shape; raise for what is no real number for each."""
        given = f"a tensor {tuple(scores.shape)} of {scores.dtype}" if isinstance(scores, Tensor) else f"{type(scores)}"
        if not isinstance(scores, Tensor) or scores.shape != (1, *mask.shape) or scores.is_complex():
            raise LotteryError(f"criterion {self._name!r} returned {given} for a weight {(1, *mask.shape)}")
        return scores.detach()[0].to(mask.device)


def forward_of(module: nn.Module) -> Forward:
    """Return a module's forward pass in float64 over its parameters, without dropout, on a copy of it.

    Batches are normalised by their own statistics, as in training; a lone input by those that training starts from.
    """
    copy = deepcopy(module).double().eval()
    norms = [part for part in copy.modules() if isinstance(part, _BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
    buffers = {name: values.detach().clone() for name, values in copy.named_buffers()}

    def outputs(parameters: Parameters, inputs: Tensor) -> Tensor:
        for norm in norms:
            norm.train(len(inputs) > 1)
        return functional_call(copy, dict(parameters) | {name: of.clone() for name, of in buffers.items()}, (inputs,))

    return outputs
