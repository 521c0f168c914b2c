"""Small networks with what tests need: convolutions and pools, batch norm, dropout, a shortcut, strides and groups."""

import functools
from fractions import Fraction

import torch
from torch import Tensor, nn

from lottery.models.architectures import Architecture
from lottery.models.layers import CONVOLUTION, HIDDEN, OUTPUT
from lottery.models.residual import Residual

IMAGE = (2, 8, 8)
RATES = tuple((role, Fraction(1, 5)) for role in (CONVOLUTION, HIDDEN, OUTPUT))


def convolutional() -> nn.Module:
    """Return convolutions of several sizes and paddings, with a pool that leaves out an odd row and column."""
    return nn.Sequential(
        *(nn.Conv2d(2, 5, 3, padding=1), nn.ReLU(), nn.Conv2d(5, 4, (3, 2)), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 3, 1), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(3, 7), nn.ReLU(), nn.Linear(7, 4)),
    )


def pairs() -> nn.Module:
    """Return a miniature of Conv-2."""
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 4)),
    )


def normalised() -> nn.Module:
    """Return convolutions with batch norm, a pool behind a ReLU, and a normalised dense layer."""
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(64, 6, bias=False), nn.BatchNorm1d(6, momentum=None), nn.ReLU(), nn.Linear(6, 4)),
    )


def dropping() -> nn.Module:
    """Return a network whose forward pass is random in training, at two places."""
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten()),
        *(nn.Linear(64, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 4)),
    )


def residual() -> nn.Module:
    """Return a block with a shortcut, and global average pooling."""
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1, groups=2), nn.ReLU(), Residual(4, 6)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)),
    )


class WrittenOut(nn.Module):
    """Dropout by a uniform number for every input, as the engine draws it."""

    def __init__(self, chance: float):
        super().__init__()
        self.chance = chance

    def forward(self, inputs: Tensor) -> Tensor:
        """Return outputs of the inputs' shape."""
        if not self.training:
            return inputs
        return torch.where(torch.rand(inputs.shape, dtype=inputs.dtype) < self.chance, 0.0, inputs / (1 - self.chance))


def plain(architecture: Architecture) -> nn.Module:
    """Return a network's module in double precision, its dropout written out."""
    module = architecture.build().double()
    for name, part in module.named_children():
        if type(part) is nn.Dropout:
            setattr(module, name, WrittenOut(part.p))
    return module


class OwnWay(nn.Module):
    """A module with a forward pass of its own, a layer that is used twice, and a parameter beside its layers."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.last = (
            nn.Conv2d(2, 3, 3, padding=1),
            nn.Conv2d(3, 3, 3, padding=1),
            nn.Linear(3, 4),
        )
        self.gain = nn.Parameter(Tensor([1.0, 2.0, 3.0]))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return outputs (B, 4)."""
        hidden = self.again(self.again(self.first(inputs).tanh()).sigmoid())
        return self.last(hidden.amax((2, 3)) * self.gain)


def _described(name: str, build, scope: str = "layer") -> Architecture:
    return Architecture(name, build, RATES, scope, image=IMAGE)


SMALL_NETWORKS = {
    name: _described(name, build)
    for name, build in {
        "convolutional": convolutional,
        "pairs": pairs,
        "normalised": normalised,
        "dropping": dropping,
        "residual": residual,
        "own way": OwnWay,
    }.items()
}
SMALL_NETWORKS["ranked as a whole"] = _described("ranked as a whole", functools.partial(pairs), "global")
