"""Parametrisations: how what is trained becomes the parameters of a network."""

from typing import Protocol

import torch
from torch import Tensor


class Parametrisation(Protocol):
    """How trained parameters become the network's: blocks (R, P), `trained` and `effective`, each with a gradient.

    `resident` is whether `refresh` and `pull_back` stay on the device, so that a step can be captured there.
    """

    trained: Tensor
    gradient: Tensor
    effective: Tensor
    effective_gradient: Tensor
    resident: bool

    def refresh(self) -> None:
        """Set `effective` from `trained`, before a pass over the data."""

    def pull_back(self) -> None:
        """Set `gradient` from `effective_gradient`."""

    def anneal(self, fraction: float) -> bool:
        """Return whether steps change, now that an interval begins at whose end this fraction of training is done."""


class Identity:
    """The network's parameters are trained themselves."""

    resident = True

    def __init__(self, start: Tensor):
        self.trained = self.effective = start
        self.gradient = self.effective_gradient = torch.zeros_like(start)

    def refresh(self) -> None:
        """Nothing to set: the two are one."""

    def pull_back(self) -> None:
        """Nothing to set: the two gradients are one."""

    def anneal(self, fraction: float) -> bool:
        """Return False: nothing changes from interval to interval."""
        return False
