"""Stacked multilayer perceptrons: R networks of one architecture as one block of memory, (R, P).

ReLU between layers, a linear last one, and the network's loss of its outputs. The gradient is written by hand: it saves
a third of autograd's time at these sizes (`tests/test_oracle.py` holds it against autograd and torch's own optimisers).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.models.architectures import network as find_network
from lottery.models.layout import Layout
from lottery.models.losses import LOSSES
from lottery.models.matmul import product


def forward(weights: Sequence[Tensor], biases: Sequence[Tensor], inputs: Tensor) -> Tensor:
    """Return the outputs (..., N, outputs) of ReLU layers (..., inputs, outputs) with a linear last one, for inputs (N, inputs)."""
    last = len(weights) - 1
    for place, (weight, bias) in enumerate(zip(weights, biases)):
        inputs = inputs @ weight + bias.unsqueeze(-2)
        inputs = inputs if place == last else inputs.relu()
    return inputs


class Perceptrons:
    """R perceptrons with their parameters `block` (R, P), the gradient of their losses `gradient` (R, P), and passes over both."""

    def __init__(self, name: str, block: Tensor, gradient: Tensor | None = None, loss: str = ""):
        self.layout = Layout(find_network(name))
        self._slope = LOSSES[loss or self.layout.network.loss]
        self.block = block
        self.gradient = torch.zeros_like(block) if gradient is None else gradient
        self._weights, self._biases = self.layout.weight_views(block), self.layout.bias_views(block)
        self._weight_gradients = self.layout.weight_views(self.gradient)
        self._bias_gradients = self.layout.bias_views(self.gradient)
        self._classes = torch.eye(self.layout.shapes[-1][1], device=block.device, dtype=block.dtype)

    def _layer(self, index: int, inputs: Tensor) -> Tensor:
        """Return one layer's outputs (R, B, O) before the ReLU."""
        return product(inputs, self._weights[index], self._biases[index])

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return the outputs (R, B, O) for inputs (R, B, I), each replica its own."""
        for index in range(len(self._weights)):
            inputs = self._layer(index, inputs if index == 0 else inputs.relu_())
        return inputs

    def set_gradient(self, images: Tensor, observed: Tensor) -> None:
        """Set `gradient` to that of the mean loss of `images` (R, B, I), each replica its own batch.

        `observed` are classes (R, B) int64, or values (R, B, O); flattened they will do as well.
        """
        inputs, last = [images], len(self._weights) - 1
        for index in range(last):
            inputs.append(self._layer(index, inputs[-1]).relu_())
        outputs = self._layer(last, inputs[-1])
        wanted = observed if observed.is_floating_point() else self._classes.index_select(0, observed.view(-1))
        error = self._slope(outputs, wanted.view_as(outputs))  # (R, B, O)
        for index in range(last, -1, -1):
            product(inputs[index].transpose(1, 2), error, out=self._weight_gradients[index])
            torch.sum(error, 1, keepdim=True, out=self._bias_gradients[index])
            if index:
                error = product(error, self._weights[index].transpose(1, 2)).mul_(inputs[index].sign())  # ReLU's slope

    def evaluate(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean cross-entropy and the number of correct predictions, (R,) each, in float64, of all `images` (N, I)."""
        replicas = self.block.shape[0]
        loss = torch.zeros(replicas, dtype=torch.float64, device=images.device)
        correct = torch.zeros_like(loss)
        for start in range(0, len(images), self.layout.rows):
            part = slice(start, start + self.layout.rows)
            outputs, truth = self.outputs(images[part].expand(replicas, -1, -1)), labels[part].expand(replicas, -1)
            highest, prediction = outputs.max(2)
            right = outputs.gather(2, truth.unsqueeze(2)).squeeze(2)
            surprise = (outputs - highest.unsqueeze(2)).exp_().sum(2).log_() + highest - right  # (R, n)
            loss += surprise.double().sum(1)
            correct += (prediction == truth).double().sum(1)
        return loss / len(images), correct
