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


def training_cost(architecture: Network, batch: int, autograd: bool = False) -> Cost:
    """Return the cost of a step on `batch` inputs.

    Each layer with weights makes three products, the first one two, since no gradient of the images is needed. What
    goes into these layers is kept, with `autograd` what goes into all parts, and what comes out at the end.
    """
    operations, activations, everything = _of_one_input(architecture)
    return Cost(operations * batch, (everything if autograd else activations) * batch)


@functools.cache
def _of_one_input(architecture: Network) -> tuple[int, int, int]:
    multiplications: list[int] = []
    floats: list[int] = []
    everything: list[int] = []

    def note(layer: nn.Module, inputs: tuple[Tensor], outputs: Tensor) -> None:
        weight = layer.get_parameter("weight")
        multiplications.append(weight.numel() * outputs.numel() // weight.shape[0])  # torch has outputs first
        floats.append(inputs[0].numel())

    def count(part: nn.Module, inputs: tuple[Tensor, ...], outputs: Tensor) -> None:
        everything.extend(tensor.numel() for tensor in inputs)

    # a real pass: the first on the meta device would take two seconds, for what it imports
    with torch.random.fork_rng(devices=[]):
        module = architecture.build().eval()
    for layer in architecture.layers:
        module.get_submodule(layer.path).register_forward_hook(note)
    for part in module.modules():
        if not any(part.children()):
            part.register_forward_hook(count)
    with torch.no_grad():
        outputs = module(torch.empty(1, *architecture.input_shape))
    kept, all_kept = (4 * (sum(of) + outputs.numel()) for of in (floats, everything))
    return 2 * (3 * sum(multiplications) - multiplications[0]), kept, all_kept
