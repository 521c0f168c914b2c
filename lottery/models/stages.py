"""Stages of small convolutional networks, R at once: convolution, max-pool, ReLU, flattening, dense layer, and back.

Activations are (R, C, H, W, B), then (R, I, B): the batch comes last, so that everything is done in long rows. A stage
keeps what its way back needs from its way forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Protocol

import torch
from torch import Tensor, nn

from lottery.models.matmul import product
from lottery.models.modules import lean

Shape = tuple[int, ...]


class Stage(Protocol):
    """One step of a network, and its way back."""

    def forward(self, inputs: Tensor, parameters: Sequence[Tensor]) -> Tensor:
        """Return the outputs (R, ..., B). `parameters` are weights and biases (R, ...) of a stage with weights."""

    def backward(
        self, error: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor], onwards: bool
    ) -> Tensor:
        """Set the gradients from the error of the outputs, and return that of the inputs if it is to go `onwards`."""

    def through(self, shape: Shape) -> tuple[Shape, int]:
        """Return the shape of the outputs of one input, and how many floats an input keeps busy."""


class Scratch:
    """Memory that is used again from step to step: zeros when it is new, then what was left there."""

    def __init__(self) -> None:
        self._kept: dict[tuple, Tensor] = {}

    def __call__(self, what: str, shape: Shape, like: Tensor) -> Tensor:
        """Return memory of this shape for this use."""
        key = what, shape, like.dtype, like.device
        if key not in self._kept:
            self._kept[key] = torch.zeros(shape, dtype=like.dtype, device=like.device)
        return self._kept[key]


class Convolution:
    """A convolution as a product of weights (O, patch) and patches (patch, H W B)."""

    def __init__(self, module: nn.Conv2d):
        self._outputs, self._inputs = module.out_channels, module.in_channels
        self._kernel: tuple[int, int] = module.kernel_size  # type: ignore[assignment]
        self._padding: tuple[int, int] = module.padding  # type: ignore[assignment]
        self._scratch = Scratch()

    def forward(self, inputs: Tensor, parameters: Sequence[Tensor]) -> Tensor:
        """Return the outputs (R, O, H, W, B) for inputs (R, C, H, W, B)."""
        weight, bias = parameters
        self._shape = inputs.shape
        self._patches, (height, width) = self._patches_of("inputs", inputs, self._padding)
        outputs = product(_matrix(weight), self._patches, bias.unsqueeze(2))
        return outputs.view(len(inputs), self._outputs, height, width, -1)

    def backward(
        self, error: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor], onwards: bool
    ) -> Tensor:
        """Set both gradients, and return the inputs' error."""
        by_weight, by_bias = gradients
        flat = error.reshape(len(error), self._outputs, -1)
        product(flat, self._patches.transpose(1, 2), out=_matrix(by_weight))
        torch.sum(flat, 2, out=by_bias)
        if not onwards:
            return error
        few = 2 * self._inputs * prod(error.shape[2:4]) < self._outputs * prod(self._shape[2:4])
        return self._spread(flat, parameters[0], error.shape) if few else self._gathered(error, parameters[0])

    def _gathered(self, error: Tensor, weight: Tensor) -> Tensor:
        """Return the inputs' error as the product of turned kernels and patches of the error."""
        around = tuple(size - 1 - padding for size, padding in zip(self._kernel, self._padding))
        patches, _ = self._patches_of("error", error, around)
        turned = weight.flip(3, 4).transpose(1, 2)  # (R, C, O, kernel)
        return product(turned.movedim(2, -1).flatten(2), patches).view(self._shape)

    def _spread(self, flat: Tensor, weight: Tensor, shape: torch.Size) -> Tensor:
        """Return the inputs' error as the sum of what each place of the kernel sends back.

        Less memory is moved so than by patches of the error where these have more than twice as many channels.
        """
        (high, wide), (up, left), (replicas, channels, rows, columns, batch) = self._kernel, self._padding, self._shape
        sent = product(_matrix(weight).transpose(1, 2), flat).view(replicas, high, wide, channels, *shape[2:])
        around = replicas, channels, rows + 2 * up, columns + 2 * left, batch
        total = self._scratch("sum", around, flat).zero_()
        for row in range(high):
            for column in range(wide):
                total[:, :, row : row + shape[2], column : column + shape[3]].add_(sent[:, row, column])
        return total[:, :, up : up + rows, left : left + columns]

    def through(self, shape: Shape) -> tuple[Shape, int]:
        """Return the outputs' shape (O, H, W), and floats of patches both ways, of inputs and outputs."""
        sizes = zip(shape[1:], self._padding, self._kernel)
        outputs = self._outputs, *(size + 2 * padding - kernel + 1 for size, padding, kernel in sizes)
        patch = prod(self._kernel)
        return outputs, patch * (self._inputs * prod(outputs[1:]) + self._outputs * prod(shape[1:])) + prod(outputs)

    def _patches_of(self, what: str, values: Tensor, around: tuple[int, ...]) -> tuple[Tensor, tuple[int, int]]:
        """Return what the kernel sees of padded values, (R, kernel C, H W B), in scratch memory, and H and W."""
        replicas, channels, rows, columns, batch = values.shape
        (high, wide), (up, left) = self._kernel, around
        padded = values
        if up or left or not values.is_contiguous():
            shape = replicas, channels, rows + 2 * up, columns + 2 * left, batch
            padded = self._scratch(f"{what} padded", shape, values)
            padded[:, :, up : up + rows, left : left + columns].copy_(values)
        height, width = rows + 2 * up - high + 1, columns + 2 * left - wide + 1
        of_replica, of_channel, of_row, of_column, _ = padded.stride()
        seen = padded.as_strided(  # a row of outputs sees a row of inputs, images of the batch beside each other
            (replicas, high, wide, channels, height, width * batch),
            (of_replica, of_row, of_column, of_channel, of_row, 1),
        )
        patches = self._scratch(f"{what} in patches", tuple(seen.shape), values).copy_(seen)
        return patches.view(replicas, high * wide * channels, height * width * batch), (height, width)


def _matrix(weight: Tensor) -> Tensor:
    """Return a view of weights (R, O, C, kernel), or of their gradient, as the matrix (R, O, kernel C)."""
    return weight.movedim(2, -1).view(*weight.shape[:2], -1)


class Pool:
    """The maximum of two by two; the first of equal ones, row by row, takes the gradient, as torch's does."""

    def forward(self, inputs: Tensor, parameters: Sequence[Tensor]) -> Tensor:
        """Return the outputs (R, C, H // 2, W // 2, B); an odd row and column is left out."""
        self._shape, (height, width) = inputs.shape, (size // 2 for size in inputs.shape[2:4])
        self._inputs = inputs[:, :, : 2 * height, : 2 * width]
        self._beside = torch.maximum(self._inputs[:, :, :, ::2], self._inputs[:, :, :, 1::2])
        return torch.maximum(self._beside[:, :, ::2], self._beside[:, :, 1::2])

    def backward(
        self, error: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor], onwards: bool
    ) -> Tensor:
        """Return the inputs' error."""
        beside, inputs = self._beside, self._inputs
        by_row, whole = torch.empty_like(beside), torch.empty_like(inputs)
        _share(error, beside[:, :, ::2], beside[:, :, 1::2], by_row[:, :, ::2], by_row[:, :, 1::2])
        _share(by_row, *(of[:, :, :, start::2] for of in (inputs, whole) for start in (0, 1)))
        if whole.shape == self._shape:
            return whole
        padded = whole.new_zeros(self._shape)
        padded[:, :, : whole.shape[2], : whole.shape[3]] = whole
        return padded

    def through(self, shape: Shape) -> tuple[Shape, int]:
        """Return the shape of a quarter, and its floats."""
        outputs = shape[0], shape[1] // 2, shape[2] // 2
        return outputs, prod(shape) + 2 * prod(outputs)


def _share(error: Tensor, first: Tensor, second: Tensor, to_first: Tensor, to_second: Tensor) -> None:
    """Give the error of maxima to the second of two where it is larger, else to the first."""
    torch.ops.aten.threshold_backward.grad_input(error, second - first, 0, grad_input=to_second)
    torch.sub(error, to_second, out=to_first)


class Rectifier:
    """ReLU, in place."""

    def forward(self, inputs: Tensor, parameters: Sequence[Tensor]) -> Tensor:
        """Return the outputs, where the inputs were."""
        self._outputs = inputs.relu_()
        return self._outputs

    def backward(
        self, error: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor], onwards: bool
    ) -> Tensor:
        """Return the inputs' error."""
        return torch.ops.aten.threshold_backward(error, self._outputs, 0)

    def through(self, shape: Shape) -> tuple[Shape, int]:
        """Return the same shape; the error is new."""
        return shape, prod(shape)


class Flattening:
    """Channels, rows and columns become one axis, in torch's order."""

    def forward(self, inputs: Tensor, parameters: Sequence[Tensor]) -> Tensor:
        """Return the outputs (R, C H W, B)."""
        self._shape = inputs.shape
        return inputs.view(len(inputs), -1, inputs.shape[-1])

    def backward(
        self, error: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor], onwards: bool
    ) -> Tensor:
        """Return the inputs' error."""
        return error.view(self._shape)

    def through(self, shape: Shape) -> tuple[Shape, int]:
        """Return the flat shape; nothing is copied."""
        return (prod(shape),), 0


class Dense:
    """A linear layer."""

    def __init__(self, module: nn.Linear):
        self._width = module.out_features

    def forward(self, inputs: Tensor, parameters: Sequence[Tensor]) -> Tensor:
        """Return the outputs (R, O, B) for inputs (R, I, B)."""
        weight, bias = parameters
        self._entered = inputs
        return product(weight.transpose(1, 2), inputs, bias.unsqueeze(2))

    def backward(
        self, error: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor], onwards: bool
    ) -> Tensor:
        """Set both gradients, and return the inputs' error."""
        by_weight, by_bias = gradients
        product(self._entered, error.transpose(1, 2), out=by_weight)
        torch.sum(error, 2, out=by_bias)
        return product(parameters[0], error) if onwards else error

    def through(self, shape: Shape) -> tuple[Shape, int]:
        """Return the number of outputs, and the floats of both ways."""
        return (self._width,), self._width + shape[0]


def stages_of(module: nn.Module) -> list[Stage]:
    """Return the stages of a module that is a chain of those there are here, or none if it is not."""
    parts: list[nn.Module] = []
    if isinstance(module, nn.Sequential) and type(module) is nn.Sequential:
        chain = nn.Sequential(*module)
        lean(chain)
        parts = list(chain)
    stages = [stage for part in parts if (stage := _stage(part)) is not None]
    kinds = [type(stage) for stage in stages]
    if len(stages) < len(parts) or not kinds or kinds[0] is not Convolution or kinds.count(Flattening) != 1:
        return []
    flat = kinds.index(Flattening)
    in_order = not set(kinds[:flat]) & {Dense} and not set(kinds[flat:]) & {Convolution, Pool}
    return stages if in_order and kinds[-1] is Dense else []


def _stage(part: nn.Module) -> Stage | None:
    """Return a part of a module as a stage, or None where there is none that does the same."""
    found: Stage | None = None
    if type(part) is nn.Conv2d:
        plain = part.stride == part.dilation == (1, 1) and part.groups == 1 and part.padding_mode == "zeros"
        within = isinstance(part.padding, tuple) and all(p < k for p, k in zip(part.padding, part.kernel_size))
        found = Convolution(part) if plain and within and part.bias is not None else None
    elif type(part) is nn.MaxPool2d:
        sizes = [size if isinstance(size, tuple) else (size, size) for size in (part.kernel_size, part.stride)]
        others = part.padding in (0, (0, 0)) and part.dilation in (1, (1, 1))
        found = Pool() if sizes == [(2, 2)] * 2 and others and not (part.ceil_mode or part.return_indices) else None
    elif type(part) is nn.Linear:
        found = Dense(part) if part.bias is not None else None
    elif type(part) is nn.ReLU:
        found = Rectifier()
    elif type(part) is nn.Flatten:
        found = Flattening() if (part.start_dim, part.end_dim) == (1, -1) else None
    return found
