"""Models: R networks of one architecture at once. Which one it is depends on what the module is made of."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from lottery.models.architectures import Architecture
from lottery.models.convolutional import LARGEST, Convolutional
from lottery.models.cost import Cost, training_cost
from lottery.models.layout import Layout
from lottery.models.modules import Modules
from lottery.models.perceptrons import Perceptrons
from lottery.models.stages import stages_of
from lottery.store.fingerprints import listed

Streams = Sequence[torch.Generator]


class Model(Protocol):
    """Passes over R networks, whose parameters (R, P) and buffers (R, Q) lie as `layout` says.

    `streams`, one a replica, draw what is random. What a replica computes does not depend, bit for bit, on who shares
    its batch.
    """

    layout: Layout

    def outputs(self, parameters: Tensor, buffers: Tensor, inputs: Tensor, streams: Streams, training: bool) -> Tensor:
        """Return the outputs (R, B, O) for inputs (R, B, ...), each replica its own; only training changes buffers."""

    def set_gradient(
        self,
        parameters: Tensor,
        buffers: Tensor,
        inputs: Tensor,
        observed: Tensor,
        loss: str,
        streams: Streams,
        out: Tensor,
    ) -> None:
        """Set `out` (R, P) to the gradient of the mean loss of inputs (R, B, ...), each replica its own batch.

        `observed` are classes (R, B) int64, or values (R, B, O); flattened they will do as well. `loss` is a name in
        `lottery/models/losses.py`.
        """

    def cost(self, batch: int) -> Cost:
        """Return what a training step of one replica on `batch` inputs costs."""


@listed
def model_of(architecture: Architecture) -> Model:
    """Return the model for a network, by what its module is made of. Keys list the class of it alone."""
    if _is_chain(architecture.module):
        return Perceptrons(architecture.layout)
    if stages_of(architecture.module) and training_cost(architecture, 1).operations <= LARGEST:
        return Convolutional(architecture.layout)
    return Modules(architecture.layout)


def _is_chain(module: nn.Module) -> bool:
    parts = list(module) if isinstance(module, nn.Sequential) else []
    linear = all(type(part) is nn.Linear and part.bias is not None for part in parts[::2])
    return len(parts) % 2 == 1 and linear and all(type(part) is nn.ReLU for part in parts[1::2])
