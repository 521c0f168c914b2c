"""Stacked multilayer perceptrons: R networks of one architecture as one block of memory, (R, P).

ReLU between layers, a linear last one, and the network's loss of its outputs. The gradient is written by hand: it saves
a third of autograd's time at these sizes (`tests/test_oracle.py` holds it against autograd and torch's own optimisers).
"""

import torch
from torch import Tensor

from lottery.losses import LOSSES
from lottery.networks import Network
from lottery.networks import network as find_network
from lottery.products import product
from lottery.streams import stream

ALIGNMENT = 64  # floats; a replica's block is padded to this, so that vectorised updates treat every replica alike
# Images per pass in evaluation, fixed for each network, because the shape of a product can change its last bits: few for
# small networks, whose replicas then share a cache (a tenth of their whole time), many for large ones, which run one by one.
ROWS_SMALL, ROWS_LARGE = 100, 500
LARGE = 2**16  # parameters


class Layout:
    """Where the parameters of one replica lie in its block of `size` floats: weights layer by layer, then biases, then padding."""

    def __init__(self, architecture: Network):
        self.network = architecture
        self.shapes = [layer.shape for layer in architecture.layers]
        self.weights, self.biases, offset = [], [], 0
        for layer in architecture.layers:
            self.weights.append(slice(offset, offset + layer.weights))
            offset += layer.weights
        for _, outputs in self.shapes:
            self.biases.append(slice(offset, offset + outputs))
            offset += outputs
        self.size = -(-offset // ALIGNMENT) * ALIGNMENT
        self.rows = ROWS_SMALL if self.size < LARGE else ROWS_LARGE

    def weight_views(self, block: Tensor) -> list[Tensor]:
        """Return each layer's weights, (R, inputs, outputs), as views into `block` (R, P)."""
        return [block[:, part].view(-1, *shape) for part, shape in zip(self.weights, self.shapes)]

    def bias_views(self, block: Tensor) -> list[Tensor]:
        """Return each layer's biases, (R, 1, outputs), as views into `block` (R, P)."""
        return [block[:, part].unsqueeze(1) for part in self.biases]

    def join(self, weights: list[Tensor]) -> Tensor:
        """Return a block (P,) of one replica with these weights, one tensor (inputs, outputs) a layer, and zero biases."""
        block = torch.zeros(self.size)
        for part, weight in zip(self.weights, weights):
            block[part] = weight.flatten()
        return block

    def parts(self, block: Tensor) -> dict[str, Tensor]:
        """Return views of parameters (P,) by name: each layer's weights (inputs, outputs), then each layer's biases (outputs,)."""
        weights = {layer.name: block[part].view(layer.shape) for layer, part in zip(self.network.layers, self.weights)}
        return weights | {f"{layer.name} bias": block[part] for layer, part in zip(self.network.layers, self.biases)}

    def trainable(self, masks: list[Tensor] | None) -> Tensor:
        """Return 1.0 where a parameter may move, (P,): the weights that `masks` keep (None: all) and every bias."""
        block = torch.zeros(self.size)
        block[: self.biases[-1].stop] = 1
        for part, mask in zip(self.weights, masks or []):
            block[part] = mask.flatten().float()
        return block


def initial_weights(architecture: Network, seed: int) -> list[Tensor]:
    """Return the initial weights of a replica, (inputs, outputs) a layer: N(0, 2 / (inputs + outputs)), biases being zero.

    Gaussian Glorot as Frankle & Carbin 2019 print it (Fig. 2). Zhou et al. 2019 use the same, truncated at two deviations.
    """
    return [
        torch.randn(layer.shape, generator=stream(seed, "init", layer.name)) * (2 / sum(layer.shape)) ** 0.5
        for layer in architecture.layers
    ]


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

