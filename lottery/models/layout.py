"""Layout: where the parameters of a network lie in its block of memory."""

import torch
from torch import Tensor

from lottery.models.architectures import Architecture

ALIGNMENT = 64  # floats; a replica's block is padded to this, so that vectorised updates treat every replica alike
# Images per pass in evaluation, fixed for each network, because the shape of a product can change its last bits: few for
# small networks, whose replicas then share a cache (a tenth of their whole time), many for large ones, which run one by one.
ROWS_SMALL, ROWS_LARGE = 100, 500
LARGE = 2**16  # parameters


class Layout:
    """Where the parameters of one replica lie in its block of `size` floats: weights layer by layer, then biases, then padding."""

    def __init__(self, architecture: Architecture):
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
