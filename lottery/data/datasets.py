"""The data: images and labels on the device, split as the papers split them, with a fingerprint of what was read."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lottery.core.paths import cache_folder


@dataclass(frozen=True)
class Part:
    """Images (N, pixels) float32 in [0, 1] and labels (N,) int64."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Dataset:
    """The three parts of a data set on one device, and a fingerprint of the pixels and labels they were made of."""

    name: str
    train: Part
    validation: Part
    test: Part
    fingerprint: str

    def to(self, device: torch.device | str) -> "Dataset":
        """Return the data set on a device."""
        if self.device == torch.device(device):
            return self
        parts = (
            Part(part.images.to(device), part.labels.to(device)) for part in (self.train, self.validation, self.test)
        )
        return Dataset(self.name, *parts, self.fingerprint)  # type: ignore[arg-type, call-arg]  # three parts

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.train.images.device


def data_folder() -> Path:
    """Return the folder that data sets are read from and downloaded to: LOTTERY_DATA, or the user's cache."""
    return Path(os.environ.get("LOTTERY_DATA") or cache_folder() / "data")
