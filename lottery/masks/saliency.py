"""Saliencies: what SNIP, GraSP and SynFlow need beside the weights themselves, by autograd in float64.

A network computes with e = w m, its parameters w under a mask m. Everything here is a derivative at e, of any
differentiable network. The scores made of it are criteria (`lottery/masks/criteria.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from lottery.models.architectures import Architecture
from lottery.models.losses import mean_loss
from lottery.models.model import model_of
from lottery.models.perceptrons import Perceptrons, forward
from lottery.store.fingerprints import listed

TEMPERATURE = 200  # what GraSP divides the outputs by, as its authors do
EACH_CLASS = 10  # samples a class that the loss is taken on

Parameters = Mapping[str, Tensor]
Forward = Callable[[Parameters, Tensor], Tensor]


@listed
@dataclass(frozen=True)
class Saliency:
    """Derivatives of one network: each property maps parts to tensors of their shape.

    `forward` makes outputs of parameters and inputs; a part that `masks` (True = kept) does not name is whole. `loss`,
    a name of `lottery/models/losses.py`, is taken on `inputs` (B, ...) and what was `observed`.
    """

    forward: Forward
    parameters: Parameters
    masks: Mapping[str, Tensor]
    inputs: Tensor
    observed: Tensor
    loss: str

    @property
    def gradient(self) -> dict[str, Tensor]:
        """dL/de. Times w it is dL/dm, which pruned weights have as well (Lee et al. 2019, SNIP, equation 6)."""
        return self._derivative(lambda e: mean_loss(self.loss, self.forward(e, self.inputs.double()), self._observed))

    @property
    def curvature(self) -> dict[str, Tensor]:
        """m H (m g): the loss's Hessian times its gradient, outputs over 200 (Wang et al. 2020, GraSP, section 3.2)."""

        def product(e: Parameters) -> Tensor:
            loss = mean_loss(self.loss, self.forward(e, self.inputs.double()) / TEMPERATURE, self._observed)
            gradients = torch.autograd.grad(loss, list(e.values()), create_graph=True, materialize_grads=True)
            kept = [self._cut(part, gradient) for part, gradient in zip(e, gradients)]
            return sum((one.detach() * one).sum() for one in kept)  # type: ignore[return-value]  # never empty

        return {part: self._cut(part, value) for part, value in self._derivative(product).items()}

    @property
    def flow(self) -> dict[str, Tensor]:
        """m dR/d|e|, R summing the outputs for ones under weights |e| (Tanaka et al. 2020, SynFlow, section 5)."""
        sizes = {part: e.abs() for part, e in self._effective.items()}
        ones = torch.ones_like(self.inputs[:1], dtype=torch.float64)
        flow = self._derivative(lambda e: self.forward(e, ones).sum(), sizes)
        return {part: self._cut(part, value) for part, value in flow.items()}

    @cached_property
    def _effective(self) -> dict[str, Tensor]:
        return {part: self._cut(part, values.double()) for part, values in self.parameters.items()}

    @property
    def _observed(self) -> Tensor:
        return self.observed.double() if self.observed.is_floating_point() else self.observed

    def _cut(self, part: str, values: Tensor) -> Tensor:
        return values * self.masks[part] if part in self.masks else values

    @torch.enable_grad()
    def _derivative(self, of: Callable[[Parameters], Tensor], at: Parameters | None = None) -> dict[str, Tensor]:
        leaves = {part: values.detach().requires_grad_() for part, values in (at or self._effective).items()}
        gradients = torch.autograd.grad(of(leaves), list(leaves.values()), materialize_grads=True)
        return {part: gradient.detach() for part, gradient in zip(leaves, gradients)}


@listed  # keys list it beside `Saliency`
def forward_of(architecture: Architecture) -> Forward:
    """Return a network's forward pass over parts as `Layout.parts` names them."""
    return perceptron(architecture) if isinstance(model_of(architecture), Perceptrons) else through_module(architecture)


def perceptron(architecture: Architecture) -> Forward:
    """Return the forward pass of a perceptron over parts as `Layout.parts` names them."""
    names = [layer.name for layer in architecture.layers]
    return lambda parameters, inputs: forward(
        [parameters[name] for name in names], [parameters[f"{name} bias"] for name in names], inputs
    )


def through_module(architecture: Architecture) -> Forward:
    """Return the forward pass of any network through its module, over parts as `Layout.parts` names them.

    Nothing is dropped. Batches are normalised by their own statistics, as in training, since the running ones are not
    among the parameters; a lone input by those that a training starts from, which is not at all.
    """
    layout = architecture.layout
    statistics = layout.initial_buffers().double()
    with torch.random.fork_rng(devices=[]):  # its weights are of no interest
        module = architecture.build().eval()
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]

    def outputs(parameters: Parameters, inputs: Tensor) -> Tensor:
        for norm in norms:
            norm.train(len(inputs) > 1)
        copies = {path: view.clone() for path, view in layout.buffer_views(statistics).items()}
        tensors = layout.named_as_in_module(parameters) | copies
        return functional_call(module, tensors, inputs.view(-1, *architecture.input_shape))

    return outputs
