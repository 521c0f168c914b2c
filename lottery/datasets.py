"""The data: images and labels on the device, split as the papers split them, with a fingerprint of what was really read."""

import functools
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lottery.errors import LotteryError
from lottery.folders import cache_folder
from lottery.networks import TASKS, network
from lottery.streams import stream


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

    @property
    def device(self) -> torch.device:
        return self.train.images.device


def data_folder() -> Path:
    """Return the folder that data sets are read from and downloaded to: LOTTERY_DATA, or the user's cache."""
    return Path(os.environ.get("LOTTERY_DATA") or cache_folder() / "data")


def _digits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """scikit-learn's 1,797 digits of 8x8 pixels, split 400 / 500 / 897 into training, validation and test once for all seeds.

    So few training images make a network overfit within its short run: early stopping then has something to find.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = digits.data.astype(np.float32) / 16, digits.target
    order = torch.randperm(len(images), generator=stream(0, "split", "digits")).numpy()
    test, validation, train = np.split(order, [897, 1397])
    return {"train": (images[train], labels[train]), "validation": (images[validation], labels[validation]), "test": (images[test], labels[test])}


def _read_mnist(root: Path, train: bool, download: bool):
    from torchvision.datasets import MNIST

    return MNIST(root, train=train, download=download)


def _fetch_mnist(root: Path) -> None:
    """Download MNIST into `root` through torchvision, once, however many workers ask; raise with both ways out if it fails."""
    from filelock import FileLock

    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".mnist.lock"):
            _read_mnist(root, train=True, download=True)
    except Exception as error:
        raise LotteryError(
            f"MNIST is not in {root} (its four idx files belong into {root / 'MNIST' / 'raw'}), and downloading it through "
            f"torchvision failed: {error}\n"
            "Either run again with a connection, or set LOTTERY_DATA to a folder that holds MNIST/raw."
        ) from error


def _mnist_halves(root: Path) -> list:
    """Return torchvision's training and test half, downloaded first where the files are not there."""
    try:
        return [_read_mnist(root, train, download=False) for train in (True, False)]
    except RuntimeError as error:
        if "not found" not in str(error):  # torchvision's words for files that are not there
            raise
    _fetch_mnist(root)
    return [_read_mnist(root, train, download=False) for train in (True, False)]


def _mnist() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """MNIST: 55,000 / 5,000 / 10,000, the validation images drawn once for all seeds; pixels divided by 255 only."""
    root = data_folder()
    try:
        halves = _mnist_halves(root)
    except LotteryError:
        raise
    except Exception as error:
        raise LotteryError(
            f"the MNIST files in {root / 'MNIST' / 'raw'} cannot be read: {error}\nRemove them to have them downloaded again, "
            "or set LOTTERY_DATA to a folder that holds sound ones."
        ) from error
    images, test_images = (half.data.numpy().reshape(len(half.data), -1) for half in halves)
    labels, test_labels = (half.targets.numpy() for half in halves)
    if (len(images), len(test_images)) != (60_000, 10_000):
        raise LotteryError(f"MNIST in {root} has {len(images)} + {len(test_images)} images instead of 60,000 + 10,000; remove it and run again")
    order = torch.randperm(60_000, generator=stream(0, "split", "mnist")).numpy()
    validation, train = np.split(order, [5_000])
    return {"train": (images[train], labels[train]), "validation": (images[validation], labels[validation]), "test": (test_images, test_labels)}


DATASETS: dict[str, Callable[[], dict[str, tuple[np.ndarray, np.ndarray]]]] = {"digits": _digits, "mnist": _mnist}


@functools.cache
def load(name: str, device: str = "cpu") -> Dataset:
    """Return the data set of this name with its tensors on `device`; raise with one message if its data cannot be had."""
    if name in TASKS:
        from lottery.tasks import dataset

        return dataset(name, seed=0)  # every seed has samples of its own; these name them all
    try:
        read = DATASETS[name]
    except KeyError:
        raise LotteryError(f"there is no data set {name!r}; the data sets are {', '.join([*DATASETS, *TASKS])}") from None
    parts, digest = {}, hashlib.blake2b(digest_size=8)
    for part, (images, labels) in read().items():
        images, labels = np.ascontiguousarray(images), np.ascontiguousarray(labels.astype(np.int64))
        digest.update(f"{part} {images.shape} {images.dtype}".encode())
        digest.update(images)
        digest.update(labels)
        pixels = torch.from_numpy(images).to(device)
        pixels = pixels if pixels.is_floating_point() else pixels.float() / 255
        parts[part] = Part(pixels, torch.from_numpy(labels).to(device))
    return Dataset(name, parts["train"], parts["validation"], parts["test"], digest.hexdigest())


def noise(architecture: str, counts: tuple[int, int, int], device: str = "cpu") -> Dataset:
    """Return random pixels of a network's size with random labels, so many for training, validation and test.

    They serve for what does not hang on what is in the images: speed, and the laws of masks and resets.
    """
    layers, generator = network(architecture).layers, stream(0, "noise")

    def part(count: int) -> Part:
        labels = torch.randint(0, layers[-1].shape[1], (count,), generator=generator)
        return Part(torch.rand(count, layers[0].shape[0], generator=generator).to(device), labels.to(device))

    return Dataset("noise", *map(part, counts), fingerprint="noise")
