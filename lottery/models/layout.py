"""Layout: where the parameters and buffers of a network lie in its blocks of memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Protocol

import torch
from torch import Tensor, nn

from lottery.models.layers import CONVOLUTION, Layer

LINEAR = "linear"

ALIGNMENT = 64  # floats; a replica's block is padded to this, so that vectorised updates treat every replica alike
# Images per pass in evaluation, fixed for each network, because the shape of a product can change its last bits: few
# for small networks, whose replicas then share a cache (a tenth of their whole time), and for convolutions, for their
# patches' sake (a fifth to a third of an evaluation); many for large perceptrons, which run one by one.
ROWS_SMALL, ROWS_LARGE = 100, 500
LARGE = 2**16  # parameters


class Network(Protocol):
    """What a layout is of: an architecture."""

    @property
    def name(self) -> str:
        """Its name."""

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


@dataclass(frozen=True)
class Place:
    """Where one parameter or buffer lies in a block (..., P), and the shape `lies` in which it does."""

    part: slice
    lies: tuple[int, ...]
    kind: str = ""

    def of_layer(self, block: Tensor) -> Tensor:
        """Return the view (..., *shape) of it, in the shape that `Layer` gives weights."""
        flat = block[..., self.part]
        view = flat.view((*flat.shape[:-1], *self.lies))
        return view.movedim(-1, -3) if self.kind == CONVOLUTION else view

    def of_module(self, block: Tensor) -> Tensor:
        """Return the view (..., *shape) of it, in the shape that its module gives it."""
        return self.of_layer(block).mT if self.kind == LINEAR else self.of_layer(block)


class Layout:
    """Where the parameters of one replica lie in its block of `size` floats, and its buffers in one of `buffer_size`.

    Weights come first, layer by layer, those of a linear layer as (inputs, outputs), those of a convolution as
    (outputs, height, width, inputs); then the other parameters, which no mask touches, called biases here for short;
    then padding. So a convolution's weights are channels_last where torch sees them, and a matrix (outputs, patch)
    where products do, and neither copies them.
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
        lie = {path: _lies(parameters[path]) for path in weights}
        lie |= {path: (tuple(parameters[path].shape), "") for path in others}
        self._parameters, end = _places(lie)
        self._buffers, buffers_end = _places({path: (tuple(tensor.shape), "") for path, tensor in buffers.items()})
        self._weights, self._biases = ([self._parameters[path] for path in paths] for paths in (weights, others))
        self.weights, self.biases = ([place.part for place in places] for places in (self._weights, self._biases))
        self._names = [*weights.values(), *(biases.get(path, path) for path in others)]
        # what scales a normalised channel starts at one, not at zero
        self._scales = [self._parameters[path].part for path in others if path.endswith("weight")]
        self._rest = [self._parameters[path].part for path in others if path not in biases]
        self.count = end  # parameters, without padding
        self.size, self.buffer_size = (-(-end // ALIGNMENT) * ALIGNMENT for end in (end, buffers_end))
        convolves = any(place.kind == CONVOLUTION for place in self._weights)
        self.rows = ROWS_SMALL if convolves or self.size < LARGE else ROWS_LARGE

    def weight_views(self, block: Tensor) -> list[Tensor]:
        """Return each layer's weights, (R, *shape), as views into `block` (R, P)."""
        return [place.of_layer(block) for place in self._weights]

    def bias_views(self, block: Tensor) -> list[Tensor]:
        """Return the other parameters, (R, 1, outputs), as views into `block` (R, P)."""
        return [block[:, part].unsqueeze(1) for part in self.biases]

    def module_views(self, block: Tensor) -> dict[str, Tensor]:
        """Return all parameters as views into `block` (..., P), by the module's names and in its shapes."""
        return {path: place.of_module(block) for path, place in self._parameters.items()}

    def buffer_views(self, block: Tensor) -> dict[str, Tensor]:
        """Return all buffers as views into `block` (..., Q), by the module's names and in its shapes."""
        return {path: place.of_module(block) for path, place in self._buffers.items()}

    def join(self, weights: list[Tensor], rest: Tensor | None = None) -> Tensor:
        """Return a block (P,) of one replica with these weights, one tensor a layer, and zero biases.

        What belongs to no layer is that of `rest` (P,); without it scales are one, and all else zero.
        """
        block = torch.zeros(self.size)
        for place, weight in zip(self._weights, weights):
            place.of_layer(block).copy_(weight)
        for part in self._scales if rest is None else self._rest:
            block[part] = 1 if rest is None else rest[part]
        return block

    def parts(self, block: Tensor) -> dict[str, Tensor]:
        """Return views of parameters (P,) by name: weights by their layer's, then biases.

        A layer's bias is "dense1 bias"; other parameters have the module's names for them.
        """
        return {name: place.of_layer(block) for name, place in zip(self._names, self._parameters.values())}

    def named_as_in_module(self, parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors that are named and shaped as `parts` has them as views, named and shaped as the module has."""
        named = zip(self._names, self._parameters.items())
        return {path: parts[name].mT if place.kind == LINEAR else parts[name] for name, (path, place) in named}

    def trainable(self, masks: list[Tensor] | None) -> Tensor:
        """Return 1.0 where a parameter may move, (P,): the weights that `masks` keep (None: all) and every bias."""
        block = torch.zeros(self.size)
        block[: self.count] = 1
        for place, mask in zip(self._weights, masks or []):
            place.of_layer(block).copy_(mask)
        return block

    def read(self, module: nn.Module) -> Tensor:
        """Return the parameters (P,) of a module of this architecture."""
        tensors = dict(module.named_parameters())
        block = next(iter(tensors.values())).detach().new_zeros(self.size)
        for path, view in self.module_views(block).items():
            view.copy_(tensors[path].detach())
        return block

    @torch.no_grad()
    def load(self, module: nn.Module, row: Tensor) -> None:
        """Set the parameters of a module of this architecture to `row` (P,)."""
        tensors = dict(module.named_parameters())
        for path, view in self.module_views(row).items():
            tensors[path].copy_(view)

    def read_buffers(self, module: nn.Module) -> Tensor:
        """Return the buffers (Q,) of a module of this architecture, running statistics and counts alike, as float32."""
        block, tensors = torch.zeros(self.buffer_size), dict(module.named_buffers())
        for path, view in self.buffer_views(block).items():
            view.copy_(tensors[path])
        return block

    def load_buffers(self, module: nn.Module, row: Tensor) -> None:
        """Set the buffers of a module of this architecture to `row` (Q,)."""
        tensors = dict(module.named_buffers())
        for path, view in self.buffer_views(row).items():
            tensors[path].copy_(view)

    def initial_buffers(self) -> Tensor:
        """Return the buffers (Q,) that a training starts from."""
        if not self._buffers:
            return torch.zeros(0)
        with torch.random.fork_rng(devices=[]):  # its weights are of no interest
            return self.read_buffers(self.network.build())


def _within(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _lies(weight: Tensor) -> tuple[tuple[int, ...], str]:
    """Return the shape in which a layer's weights, of torch's shape, lie in memory, and their kind."""
    if weight.dim() == 2:
        return tuple(weight.t().shape), LINEAR
    return tuple(weight.movedim(1, -1).shape), CONVOLUTION


def _places(lie: dict[str, tuple[tuple[int, ...], str]]) -> tuple[dict[str, Place], int]:
    """Return where tensors lie that follow on each other, and where the last one ends."""
    places, end = {}, 0
    for path, (shape, kind) in lie.items():
        places[path] = Place(slice(end, end + prod(shape)), shape, kind)
        end = places[path].part.stop
    return places, end
