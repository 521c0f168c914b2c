"""The data: images and labels on the device, split as the papers split them, with a fingerprint of what was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.rng import stream

PARTS = ("train", "validation", "test")
Arrays = Mapping[
    str, tuple[np.ndarray, np.ndarray]
]  # images (N, ...), uint8 or in [0, 1], and labels (N,) of each part


@dataclass(frozen=True)
class Part:
    """Images (N, pixels) or (N, channels, height, width) float32, and labels (N,) int64."""

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


def sizes(data: Dataset) -> tuple[int, int, int]:
    """Return the number of images for training, validation and testing."""
    return len(data.train.images), len(data.validation.images), len(data.test.images)


def shaped(data: Dataset, shape: tuple[int, ...], network: str) -> Dataset:
    """Return a data set with views of its images in the input shape of a network.

    Raise, and name both, where an image does not have as many values as the network takes.
    """
    own = tuple(data.train.images.shape[1:])
    if own == shape:
        return data
    if prod(own) != prod(shape):
        takes, has = (f"{'x'.join(map(str, of))} = {prod(of):,}" for of in (shape, own))
        raise LotteryError(f"{network} takes {takes} values per image, {data.name} has {has}; train it on other data")
    parts = (Part(part.images.view(-1, *shape), part.labels) for part in (data.train, data.validation, data.test))
    return Dataset(data.name, *parts, data.fingerprint)  # type: ignore[arg-type, call-arg]  # three parts


def held_out(
    name: str, count: int, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
) -> Arrays:
    """Return published images and labels with `count` training images for validation, drawn once for all seeds."""
    images, labels = train
    order = torch.randperm(len(images), generator=stream(0, "split", name)).numpy()
    validation, rest = np.split(order, [count])
    return {"train": (images[rest], labels[rest]), "validation": (images[validation], labels[validation]), "test": test}
