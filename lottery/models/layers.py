"""Layers: the parts of a module that have weights, by name, shape and role. torch is imported when a module is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

HIDDEN, OUTPUT, CONVOLUTION, SHORTCUT = "hidden", "output", "convolution", "shortcut"
INPUTS, OUTPUTS = "inputs", "outputs"  # the sides of a layer


@dataclass(frozen=True)
class Layer:
    """One layer with weights; random streams are named by its name.

    `shape` is (inputs, outputs), or torch's own (outputs, inputs, height, width) for a convolution; `path` is the
    layer's name in its module.
    """

    name: str
    shape: tuple[int, ...]
    role: str
    path: str

    @property
    def weights(self) -> int:
        """Number of weights, biases not counted."""
        return prod(self.shape)

    def axis(self, side: str) -> int:
        """Return along which axis of `shape` the units of a side lie, of its inputs or of its outputs."""
        convolution = len(self.shape) > 2
        return int(convolution) if side == INPUTS else int(not convolution)

    @property
    def fan_in(self) -> int:
        """Number of inputs that an output is the sum of."""
        return prod(self.shape[1:]) if len(self.shape) > 2 else self.shape[0]

    @property
    def fan_out(self) -> int:
        """Number of outputs that an input goes into, edges and strides aside."""
        return self.shape[0] * prod(self.shape[2:]) if len(self.shape) > 2 else self.shape[1]


def layers_of(module: nn.Module, roles: Mapping[str, str]) -> tuple[Layer, ...]:
    """Return the `Linear` and `Conv2d` layers of a module, in its order, numbered by kind.

    The last linear layer is the output, unless `roles` says otherwise: it gives the role of all layers that lie under a
    name.
    """
    from torch import nn

    found = {path: part for path, part in module.named_modules() if isinstance(part, (nn.Linear, nn.Conv2d))}
    last = max((place for place, part in enumerate(found.values()) if isinstance(part, nn.Linear)), default=-1)
    layers, numbers = [], Counter[str]()
    shape: tuple[int, ...]
    for place, (path, part) in enumerate(found.items()):
        declared = [roles[name] for name in path.split(".") if name in roles]
        if isinstance(part, nn.Linear):
            role, kind, shape = OUTPUT if place == last else HIDDEN, "dense", (part.in_features, part.out_features)
        else:
            role, kind, shape = CONVOLUTION, CONVOLUTION, tuple(part.weight.shape)
        if declared:
            role = kind = declared[-1]
        numbers[kind] += 1
        layers.append(Layer(f"{kind}{numbers[kind]}", shape, role, path))
    return tuple(layers)
