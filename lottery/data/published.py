"""MNIST and CIFAR-10, through torchvision: read from the data folder, downloaded into it where they are missing."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lottery.core.errors import LotteryError
from lottery.core.paths import data_folder
from lottery.data.datasets import Arrays, held_out
from lottery.data.stand_ins import FOLDERS


@dataclass(frozen=True)
class Published:
    """A data set as it is published, by the name of torchvision's class for it."""

    kind: str
    folder: str  # of its files, within the data folder
    files: tuple[str, ...]
    name: str
    images: tuple[int, int]  # for training and for testing

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
                "Remove them to have them downloaded again, or set LOTTERY_DATA to a folder that holds sound ones."
            ) from error

    def _read(self, root: Path) -> list[Any]:
        halves = [read(self.kind, root, train, download=False) for train in (True, False)]
        found = tuple(len(half.data) for half in halves)
        if found != self.images:
            told, wanted = (" + ".join(f"{count:,}" for count in counts) for counts in (found, self.images))
            raise ValueError(f"they hold {told} images instead of {wanted}")
        return halves

    def _fetch(self, root: Path) -> None:
        """Download the files into `root`, once, however many workers ask; raise with both ways out if that fails."""
        try:
            root.mkdir(parents=True, exist_ok=True)
            with self._lock(root):
                read(self.kind, root, train=True, download=True)
        except Exception as error:
            raise LotteryError(
                f"{self.name} is not in {root} (its files belong into {root / self.folder}), "
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

    return getattr(datasets, kind)(root, train=train, download=download)


_IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
MNIST = Published("MNIST", "MNIST/raw", _IDX, "MNIST", (60_000, 10_000))
CIFAR10 = Published("CIFAR10", FOLDERS["cifar10"], _BATCHES, "CIFAR-10", (50_000, 10_000))


def mnist() -> Arrays:
    """Return MNIST, 55,000 / 5,000 / 10,000 images (N, 784)."""
    train, test = ((half.data.numpy().reshape(-1, 784), half.targets.numpy()) for half in MNIST.halves())
    return held_out("mnist", 5_000, train, test)


def cifar10() -> Arrays:
    """Return CIFAR-10, 45,000 / 5,000 / 10,000 images (N, 3, 32, 32)."""
    train, test = ((half.data.transpose(0, 3, 1, 2), np.array(half.targets)) for half in CIFAR10.halves())
    return held_out("cifar10", 5_000, train, test)
