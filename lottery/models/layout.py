"""Layout: where the parameters and buffers of a network lie in its blocks of memory."""

from typing import Protocol

import torch
from torch import Tensor, nn

from lottery.models.layers import Layer

ALIGNMENT = 64  # floats; a replica's block is padded to this, so that vectorised updates treat every replica alike
# Images per pass in evaluation, fixed for each network, because the shape of a product can change its last bits: few
# for small networks, whose replicas then share a cache (a tenth of their whole time), many for large ones, which run
# one by one.
ROWS_SMALL, ROWS_LARGE = 100, 500
LARGE = 2**16  # parameters


class Network(Protocol):
    """What a layout is of: an architecture."""

    @property
    def module(self) -> nn.Module:
        """The module, shapes alone."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers with weights."""

    @property
    def loss(self) -> str:
        """Name of the loss."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""

    def __hash__(self) -> int: ...

    def build(self) -> nn.Module:
        """Return a module anew."""


class Layout:
    """Where the parameters of one replica lie in its block of `size` floats, and its buffers in one of `buffer_size`.

    Weights come first, layer by layer, those of a linear layer as (inputs, outputs); then the other parameters, which
    no mask touches, called biases here for short; then padding.
    """

    def __init__(self, architecture: Network):
        self.network = architecture
        self.shapes = [layer.shape for layer in architecture.layers]
        parameters, buffers = (
            dict(of()) for of in (architecture.module.named_parameters, architecture.module.named_buffers)
        )
        weights = {_within(layer.path, "weight"): layer.name for layer in architecture.layers}
        biases = {_within(layer.path, "bias"): f"{layer.name} bias" for layer in architecture.layers}
        others = [path for path in parameters if path not in weights]
        self._linear = {path for path in weights if parameters[path].dim() == 2}  # torch has them as (outputs, inputs)
        self._parameters, end = _places([*weights, *others], parameters)
        self._buffers, buffers_end = _places(list(buffers), buffers)
        self.weights, self.biases = ([self._parameters[path] for path in paths] for paths in (weights, others))
        self._names = [*weights.values(), *(biases.get(path, path) for path in others)]
        # what scales a normalised channel starts at one, not at zero
        self._scales = [self._parameters[path] for path in others if path.endswith("weight")]
        self._bias_shapes = [tuple(parameters[path].shape) for path in others]
        self.count = end  # parameters, without padding
        self.size, self.buffer_size = (-(-end // ALIGNMENT) * ALIGNMENT for end in (end, buffers_end))
        self.rows = ROWS_SMALL if self.size < LARGE else ROWS_LARGE

    def weight_views(self, block: Tensor) -> list[Tensor]:
        """Return each layer's weights, (R, *shape), as views into `block` (R, P)."""
        return [block[:, part].view(-1, *shape) for part, shape in zip(self.weights, self.shapes)]

    def bias_views(self, block: Tensor) -> list[Tensor]:
        """Return the other parameters, (R, 1, outputs), as views into `block` (R, P)."""
        return [block[:, part].unsqueeze(1) for part in self.biases]

    def join(self, weights: list[Tensor]) -> Tensor:
        """Return a block (P,) of one replica with these weights, one tensor a layer, zero biases, and scales of one."""
        block = torch.zeros(self.size)
        for part, weight in zip(self.weights, weights):
            block[part] = weight.flatten()
        for part in self._scales:
            block[part] = 1
        return block

    def parts(self, block: Tensor) -> dict[str, Tensor]:
        """Return views of parameters (P,) by name: weights by their layer's, then biases.

        A layer's bias is "dense1 bias"; other parameters have the module's names for them.
        """
        places, shapes = self._parameters.values(), [*self.shapes, *self._bias_shapes]
        return {name: block[part].view(shape) for name, part, shape in zip(self._names, places, shapes)}

    def trainable(self, masks: list[Tensor] | None) -> Tensor:
        """Return 1.0 where a parameter may move, (P,): the weights that `masks` keep (None: all) and every bias."""
        block = torch.zeros(self.size)
        block[: self.count] = 1
        for part, mask in zip(self.weights, masks or []):
            block[part] = mask.flatten().float()
        return block

    def read(self, module: nn.Module) -> Tensor:
        """Return the parameters (P,) of a module of this architecture."""
        tensors = dict(module.named_parameters())
        block = next(iter(tensors.values())).detach().new_zeros(self.size)
        for path, part in self._parameters.items():
            tensor = tensors[path].detach()
            block[part] = (tensor.t() if path in self._linear else tensor).flatten()
        return block

    @torch.no_grad()
    def load(self, module: nn.Module, row: Tensor) -> None:
        """Set the parameters of a module of this architecture to `row` (P,)."""
        tensors = dict(module.named_parameters())
        for path, part in self._parameters.items():
            tensor = tensors[path].t() if path in self._linear else tensors[path]
            tensor.copy_(row[part].view(tensor.shape))

    def read_buffers(self, module: nn.Module) -> Tensor:
        """Return the buffers (Q,) of a module of this architecture, running statistics and counts alike, as float32."""
        block, tensors = torch.zeros(self.buffer_size), dict(module.named_buffers())
        for path, part in self._buffers.items():
            block[part] = tensors[path].flatten().to(block)
        return block

    def load_buffers(self, module: nn.Module, row: Tensor) -> None:
        """Set the buffers of a module of this architecture to `row` (Q,)."""
        tensors = dict(module.named_buffers())
        for path, part in self._buffers.items():
            tensors[path].copy_(row[part].view(tensors[path].shape))

    def initial_buffers(self) -> Tensor:
        """Return the buffers (Q,) that a training starts from."""
        if not self._buffers:
            return torch.zeros(0)
        with torch.random.fork_rng(devices=[]):  # its weights are of no interest
            return self.read_buffers(self.network.build())


def _within(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _places(paths: list[str], tensors: dict[str, Tensor]) -> tuple[dict[str, slice], int]:
    """Return where tensors lie that follow on each other, and where the last one ends."""
    places, end = {}, 0
    for path in paths:
        places[path] = slice(end, end + tensors[path].numel())
        end = places[path].stop
    return places, end
