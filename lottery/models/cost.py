"""Cost: how much arithmetic and memory a training step of one replica needs, from the module's own shapes."""

import functools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lottery.models.layout import Network


@dataclass(frozen=True)
class Cost:
    """Floating-point operations of one replica's training step, and bytes of the activations that it keeps."""

    operations: int
    activations: int


def training_cost(architecture: Network, batch: int) -> Cost:
    """Return the cost of a step on `batch` inputs.

    Each layer with weights makes three products, the first one two, since no gradient of the images is needed. What
    goes into these layers is kept, and what comes out at the end.
    """
    operations, activations = _of_one_input(architecture)
    return Cost(operations * batch, activations * batch)


@functools.cache
def _of_one_input(architecture: Network) -> tuple[int, int]:
    multiplications: list[int] = []
    floats: list[int] = []

    def note(layer: nn.Module, inputs: tuple[Tensor], outputs: Tensor) -> None:
        weight = layer.get_parameter("weight")
        multiplications.append(weight.numel() * outputs.numel() // weight.shape[0])  # torch has outputs first
        floats.append(inputs[0].numel())

    # a real pass: the first on the meta device would take two seconds, for what it imports
    with torch.random.fork_rng(devices=[]):
        module = architecture.build().eval()
    for layer in architecture.layers:
        module.get_submodule(layer.path).register_forward_hook(note)
    with torch.no_grad():
        outputs = module(torch.empty(1, *architecture.input_shape))
    return 2 * (3 * sum(multiplications) - multiplications[0]), 4 * (sum(floats) + outputs.numel())
