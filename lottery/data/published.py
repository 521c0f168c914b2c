"""Data sets through torchvision: read from the data folder, downloaded into it where they are missing.

Of MNIST and CIFAR-10 5,000 training images are held out, as Frankle & Carbin 2019 do. Of the others it is a fifth, as
Paganini & Forde 2020 have it (appendix H.4), who draw it anew for every seed. Here it is drawn once for all seeds: then
a data set has one fingerprint, by which results are named, and replicas of all seeds share its images.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lottery.core.errors import LotteryError
from lottery.core.paths import data_folder
from lottery.data.datasets import Arrays, held_out
from lottery.data.grey import in_grey
from lottery.data.stand_ins import FOLDERS

Half = tuple[np.ndarray, np.ndarray]  # images (N, ...) uint8 and labels (N,), for training or for testing


@dataclass(frozen=True)
class Published:
    """A data set as it is published, by the name of torchvision's class for it."""

    kind: str
    folder: str  # of its files, within the data folder
    files: tuple[str, ...]
    name: str
    images: tuple[int, int]  # for training and for testing
    classes: int = 10

    def halves(self) -> list[Any]:
        """Return torchvision's training and test half; raise with one message if they cannot be had."""
        root = data_folder()
        with contextlib.suppress(Exception):  # missing, damaged, or being written by another worker: told apart below
            return self._read(root)
        if all((root / self.folder / file).exists() for file in self.files):
            self._wait(root)
        else:
            self._fetch(root)
        try:
            return self._read(root)
        except Exception as error:
            raise LotteryError(
                f"the {self.name} files in {root / self.folder} cannot be read: {error}\n"
                "Remove them to have them downloaded again, or set LOTTERY_DATA to a folder that holds intact ones."
            ) from error

    def _read(self, root: Path) -> list[Any]:
        halves = [read(self.kind, root, train, download=False) for train in (True, False)]
        found = tuple(len(half.data) for half in halves)
        if found != self.images:
            told, wanted = (" + ".join(f"{count:,}" for count in counts) for counts in (found, self.images))
            raise ValueError(f"they hold {told} images instead of {wanted}")
        for half in halves:
            labels = np.asarray(half.labels if hasattr(half, "labels") else half.targets)
            if len(labels) != len(half.data) or labels.min() < 0 or labels.max() >= self.classes:
                raise ValueError(f"they do not have a label from 0 to {self.classes - 1} for every image")
        return halves

    def _fetch(self, root: Path) -> None:
        """Download the files into `root`, once, however many workers ask; raise with both ways out if that fails."""
        try:
            root.mkdir(parents=True, exist_ok=True)
            with self._lock(root):
                for train in (True, False):  # most download both halves at once, and nothing that is there
                    read(self.kind, root, train, download=True)
        except Exception as error:
            raise LotteryError(
                f"{self.name} is not in {root} (its files belong in {root / self.folder}), "
                f"and downloading it through torchvision failed: {error}\n"
                f"Either run again with a connection, or set LOTTERY_DATA to a folder that holds {self.folder}."
            ) from error

    def _wait(self, root: Path) -> None:
        """Return when no other worker is downloading; where no lock can be made, none can."""
        with contextlib.suppress(OSError), self._lock(root):
            pass

    def _lock(self, root: Path) -> Any:
        from filelock import FileLock

        return FileLock(root / f".{self.kind.lower()}.lock")


def read(kind: str, root: Path, train: bool, download: bool) -> Any:
    """Return one half of a data set by torchvision's class of this name, which checks what it downloads."""
    from torchvision import datasets

    if kind == "SVHN":
        return datasets.SVHN(root / SVHN.folder, split="train" if train else "test", download=download)
    options = {"split": EMNIST_SPLIT} if kind == "EMNIST" else {}
    return getattr(datasets, kind)(root, train=train, download=download, **options)


EMNIST_SPLIT = "balanced"  # Paganini & Forde 2020 do not say which; this one has 47 classes of 2,800 images
_IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_BALANCED = tuple(f"emnist-{EMNIST_SPLIT}-{file.replace('t10k', 'test')}" for file in _IDX)
_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
MNIST = Published("MNIST", "MNIST/raw", _IDX, "MNIST", (60_000, 10_000))
FASHION_MNIST = Published("FashionMNIST", "FashionMNIST/raw", _IDX, "Fashion-MNIST", (60_000, 10_000))
KMNIST = Published("KMNIST", "KMNIST/raw", _IDX, "KMNIST", (60_000, 10_000))
EMNIST = Published("EMNIST", "EMNIST/raw", _BALANCED, "EMNIST", (112_800, 18_800), 47)
SVHN = Published("SVHN", "SVHN", ("train_32x32.mat", "test_32x32.mat"), "SVHN", (73_257, 26_032))
CIFAR10 = Published("CIFAR10", FOLDERS["cifar10"], _BATCHES, "CIFAR-10", (50_000, 10_000))
CIFAR100 = Published("CIFAR100", "cifar-100-python", ("train", "test", "meta"), "CIFAR-100", (50_000, 10_000), 100)


def mnist() -> Arrays:
    """Return MNIST, 55,000 / 5,000 / 10,000 images (N, 784)."""
    return held_out("mnist", 5_000, *_vectors(MNIST))


def mnist_48k() -> Arrays:
    """Return MNIST as Paganini & Forde 2020 split it, 48,000 / 12,000 / 10,000 images (N, 784)."""
    return _fifth_held_out("mnist-48k", *_vectors(MNIST))


def fashion_mnist() -> Arrays:
    """Return Fashion-MNIST, 48,000 / 12,000 / 10,000 images (N, 784)."""
    return _fifth_held_out("fashion-mnist", *_vectors(FASHION_MNIST))


def kmnist() -> Arrays:
    """Return KMNIST, 48,000 / 12,000 / 10,000 images (N, 784)."""
    return _fifth_held_out("kmnist", *_vectors(KMNIST))


def emnist() -> Arrays:
    """Return the balanced split of EMNIST, 90,240 / 22,560 / 18,800 images (N, 784) of 47 classes.

    Letters lie on their sides, rows and columns exchanged, as in the published files and as torchvision returns them:
    Paganini & Forde 2020, who mirror images, mention no turning.
    """
    return _fifth_held_out("emnist", *_vectors(EMNIST))


def svhn() -> Arrays:
    """Return SVHN without its extra images, 58,606 / 14,651 / 26,032 images (N, 3, 32, 32); the digit 0 is class 0."""
    train, test = ((half.data, half.labels) for half in SVHN.halves())
    return _fifth_held_out("svhn", train, test)


def svhn_grey() -> Arrays:
    """Return SVHN in grey, 58,606 / 14,651 / 26,032 images (N, 784), split as in colour."""
    return in_grey(svhn())


def cifar10() -> Arrays:
    """Return CIFAR-10, 45,000 / 5,000 / 10,000 images (N, 3, 32, 32)."""
    return held_out("cifar10", 5_000, *_colours(CIFAR10))


def cifar10_grey() -> Arrays:
    """Return CIFAR-10 in grey, 40,000 / 10,000 / 10,000 images (N, 784)."""
    return in_grey(_fifth_held_out("cifar10-grey", *_colours(CIFAR10)))


def cifar100() -> Arrays:
    """Return CIFAR-100 with its 100 fine classes, 40,000 / 10,000 / 10,000 images (N, 3, 32, 32)."""
    return _fifth_held_out("cifar100", *_colours(CIFAR100))


def cifar100_grey() -> Arrays:
    """Return CIFAR-100 in grey, 40,000 / 10,000 / 10,000 images (N, 784), split as in colour."""
    return in_grey(cifar100())


def _fifth_held_out(name: str, train: Half, test: Half) -> Arrays:
    return held_out(name, len(train[0]) // 5, train, test)


def _vectors(published: Published) -> tuple[Half, Half]:
    """Return images (N, 784) uint8 and labels of both halves of a data set in MNIST's format."""
    train, test = ((half.data.numpy().reshape(-1, 784), half.targets.numpy()) for half in published.halves())
    return train, test


def _colours(published: Published) -> tuple[Half, Half]:
    """Return images (N, 3, 32, 32) uint8 and labels of both halves of a data set in CIFAR's format."""
    train, test = ((half.data.transpose(0, 3, 1, 2), np.array(half.targets)) for half in published.halves())
    return train, test
