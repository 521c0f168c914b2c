"""The data sets by name: one place that knows them all."""

import functools
import hashlib
from collections.abc import Callable

import numpy as np
import torch

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data.datasets import PARTS, Arrays, Dataset, Part
from lottery.data.digit_tasks import digits_inverted, digits_scrambled, digits_turned, digits_upended
from lottery.data.digits import digits
from lottery.data.idx_files import animal_silhouettes, kmnist10k
from lottery.data.image_folders import cifar10_jpeg, cifar10_jpeg_grey
from lottery.data.made_tasks import dataset
from lottery.data.preprocessing import PREPROCESSINGS, UNIT
from lottery.data.published import (
    cifar10,
    cifar10_grey,
    cifar100,
    cifar100_grey,
    emnist,
    fashion_mnist,
    kmnist,
    mnist,
    mnist_48k,
    svhn,
    svhn_grey,
)
from lottery.data.stand_ins import CHECKED, OTHER
from lottery.data.tasks import SIZES
from lottery.store.fingerprints import listed

DATASETS: dict[str, Callable[[], Arrays]] = {
    "digits": digits,
    "digits-turned": digits_turned,
    "digits-upended": digits_upended,
    "digits-inverted": digits_inverted,
    "digits-scrambled": digits_scrambled,
    "mnist": mnist,
    "mnist-48k": mnist_48k,
    "fashion-mnist": fashion_mnist,
    "kmnist": kmnist,
    "kmnist10k": kmnist10k,
    "emnist": emnist,
    "animal-silhouettes": animal_silhouettes,
    "svhn": svhn,
    "svhn-grey": svhn_grey,
    "cifar10": cifar10,
    "cifar10-grey": cifar10_grey,
    "cifar10-jpeg": cifar10_jpeg,
    "cifar10-jpeg-grey": cifar10_jpeg_grey,
    "cifar100": cifar100,
    "cifar100-grey": cifar100_grey,
}
DATASETS |= {name + OTHER: DATASETS[name] for name in CHECKED}  # other images in files of their names
HELD = 2  # data sets that a process keeps as float32, of images that it keeps as they were read


@functools.cache
def read(name: str) -> tuple[Arrays, str]:
    """Return the images and labels of a data set as they are published, and their fingerprint.

    Raise with one message if they cannot be had.
    """
    if name not in DATASETS:
        raise LotteryError(f"there is no data set {name!r}; the data sets are {', '.join([*DATASETS, *SIZES])}")
    parts, digest = {}, hashlib.blake2b(digest_size=8)
    for part, (images, labels) in DATASETS[name]().items():
        images, labels = np.ascontiguousarray(images), np.ascontiguousarray(labels.astype(np.int64))
        digest.update(f"{part} {images.shape} {images.dtype}".encode())
        digest.update(images.data)
        digest.update(labels.data)
        parts[part] = images, labels
    return parts, digest.hexdigest()


def fingerprint(name: str) -> str:
    """Return the fingerprint of a data set's pixels and labels, which no preprocessing changes."""
    return dataset(name, seed=0).fingerprint if name in SIZES else read(name)[1]


@listed
@functools.lru_cache(maxsize=HELD)
def load(name: str, device: str = "cpu", preprocessing: str = UNIT) -> Dataset:
    """Return the data set of this name, its tensors on `device`; raise with one message if its data cannot be had.

    Pixels are made on the processor, so that they are the same on every device.
    """
    if name in SIZES:
        return dataset(name, seed=0)  # every seed has samples of its own; these name them all
    arrays, digest = read(name)
    pixels = {part: _between_zero_and_one(arrays[part][0]) for part in PARTS}
    prepare = PREPROCESSINGS[preprocessing](pixels["train"])
    parts = {}
    for part, images in pixels.items():
        prepare(images)
        parts[part] = Part(*(torch.from_numpy(of).to(device) for of in (images, arrays[part][1])))
    return Dataset(name, **parts, fingerprint=digest)


def forget() -> None:
    """Read everything anew when it is asked for."""
    read.cache_clear()
    load.cache_clear()


def _between_zero_and_one(images: np.ndarray) -> np.ndarray:
    """Return a copy of images as float32, bytes divided by 255."""
    pixels = images.astype(np.float32)
    return pixels if images.dtype == np.float32 else np.divide(pixels, np.float32(255), out=pixels)


def noise(shape: tuple[int, ...], classes: int, counts: tuple[int, int, int], device: str = "cpu") -> Dataset:
    """Return so many random images of a shape with random labels for training, validation and test.

    They serve what does not depend on what is in the images: speed, and the laws of masks and resets.
    """
    generator = stream(0, "noise")

    def part(count: int) -> Part:
        labels = torch.randint(0, classes, (count,), generator=generator)
        return Part(torch.rand(count, *shape, generator=generator).to(device), labels.to(device))

    train, validation, test = map(part, counts)
    return Dataset("noise", train, validation, test, fingerprint="noise")
