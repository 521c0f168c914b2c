"""Stacked multilayer perceptrons: R networks of one architecture as one block of memory, (R, P).

ReLU between layers, a linear last one, and the network's loss of its outputs. The gradient is written by hand: it saves
a third of autograd's time at these sizes (`tests/test_oracle.py` holds it against autograd and torch's own optimisers).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.models.cost import Cost, training_cost
from lottery.models.layout import Layout
from lottery.models.losses import LOSSES, wanted
from lottery.models.matmul import product


def forward(weights: Sequence[Tensor], biases: Sequence[Tensor], inputs: Tensor) -> Tensor:
    """Return outputs (..., N, outputs) for inputs (N, inputs): layers (..., inputs, outputs), ReLU between."""
    last = len(weights) - 1
    for place, (weight, bias) in enumerate(zip(weights, biases)):
        inputs = inputs @ weight + bias.unsqueeze(-2)
        inputs = inputs if place == last else inputs.relu()
    return inputs


class Perceptrons:
    """R perceptrons of one layout: a model as `lottery/models/model.py` describes it.

    Nothing is random, and there are no buffers. The views into the blocks that came last are kept, since a training
    always comes with the same ones.
    """

    def __init__(self, layout: Layout):
        self.layout = layout
        self._views: dict[str, tuple[Tensor, list[Tensor], list[Tensor]]] = {}

    def _of(self, what: str, block: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return weights and biases as views into a block."""
        if what not in self._views or self._views[what][0] is not block:
            self._views[what] = block, self.layout.weight_views(block), self.layout.bias_views(block)
        return self._views[what][1:]

    def outputs(
        self, parameters: Tensor, buffers: Tensor, inputs: Tensor, streams: Sequence = (), training: bool = False
    ) -> Tensor:
        """Return the outputs (R, B, O) for inputs (R, B, I), each replica its own."""
        for index, (weight, bias) in enumerate(zip(*self._of("parameters", parameters))):
            inputs = product(inputs if index == 0 else inputs.relu_(), weight, bias)
        return inputs

    def set_gradient(
        self,
        parameters: Tensor,
        buffers: Tensor,
        inputs: Tensor,
        observed: Tensor,
        loss: str,
        streams: Sequence,
        out: Tensor,
    ) -> None:
        """Set `out` (R, P) to the gradient of the mean loss of inputs (R, B, I), each replica its own batch."""
        weights, biases = self._of("parameters", parameters)
        weight_gradients, bias_gradients = self._of("gradient", out)
        entered, last = [inputs], len(weights) - 1
        for index in range(last):
            entered.append(product(entered[-1], weights[index], biases[index]).relu_())
        outputs = product(entered[-1], weights[last], biases[last])
        error = LOSSES[loss](outputs, wanted(observed, outputs))  # (R, B, O)
        for index in range(last, -1, -1):
            product(entered[index].transpose(1, 2), error, out=weight_gradients[index])
            torch.sum(error, 1, keepdim=True, out=bias_gradients[index])
            if index:
                error = product(error, weights[index].transpose(1, 2)).mul_(entered[index].sign())  # ReLU's slope

    def cost(self, batch: int) -> Cost:
        """Return what a training step of one replica on `batch` inputs costs."""
        return training_cost(self.layout.network, batch)
