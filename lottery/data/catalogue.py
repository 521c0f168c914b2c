"""The data sets by name: one place that knows them all."""

import functools
import hashlib
from collections.abc import Callable

import numpy as np
import torch

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data.datasets import Dataset, Part
from lottery.data.digits import digits
from lottery.data.made_tasks import dataset
from lottery.data.mnist import mnist
from lottery.data.tasks import SIZES
from lottery.store.fingerprints import listed

DATASETS: dict[str, Callable[[], dict[str, tuple[np.ndarray, np.ndarray]]]] = {"digits": digits, "mnist": mnist}


@listed
@functools.cache
def load(name: str, device: str = "cpu") -> Dataset:
    """Return the data set of this name, its tensors on `device`; raise with one message if its data cannot be had."""
    if name in SIZES:
        return dataset(name, seed=0)  # every seed has samples of its own; these name them all
    if name not in DATASETS:
        raise LotteryError(f"there is no data set {name!r}; the data sets are {', '.join([*DATASETS, *SIZES])}")
    parts, digest = {}, hashlib.blake2b(digest_size=8)
    for part, (images, labels) in DATASETS[name]().items():
        images, labels = np.ascontiguousarray(images), np.ascontiguousarray(labels.astype(np.int64))
        digest.update(f"{part} {images.shape} {images.dtype}".encode())
        digest.update(images.data)
        digest.update(labels.data)
        pixels = torch.from_numpy(images).to(device)
        pixels = pixels if pixels.is_floating_point() else pixels.float() / 255
        parts[part] = Part(pixels, torch.from_numpy(labels).to(device))
    return Dataset(name, parts["train"], parts["validation"], parts["test"], digest.hexdigest())


def noise(inputs: int, classes: int, counts: tuple[int, int, int], device: str = "cpu") -> Dataset:
    """Return so many random pixels with random labels for training, validation and test.

    They serve what does not depend on what is in the images: speed, and the laws of masks and resets.
    """
    generator = stream(0, "noise")

    def part(count: int) -> Part:
        labels = torch.randint(0, classes, (count,), generator=generator)
        return Part(torch.rand(count, inputs, generator=generator).to(device), labels.to(device))

    train, validation, test = map(part, counts)
    return Dataset("noise", train, validation, test, fingerprint="noise")
