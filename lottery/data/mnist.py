"""MNIST, through torchvision."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data.datasets import data_folder

if TYPE_CHECKING:
    from torchvision.datasets import MNIST


def _read_mnist(root: Path, train: bool, download: bool) -> "MNIST":
    from torchvision.datasets import MNIST

    return MNIST(root, train=train, download=download)


def _fetch_mnist(root: Path) -> None:
    """Download MNIST into `root`, once, however many workers ask; raise with both ways out if it fails."""
    from filelock import FileLock

    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".mnist.lock"):
            _read_mnist(root, train=True, download=True)
    except Exception as error:
        raise LotteryError(
            f"MNIST is not in {root} (its four idx files belong into {root / 'MNIST' / 'raw'}), "
            f"and downloading it through torchvision failed: {error}\n"
            "Either run again with a connection, or set LOTTERY_DATA to a folder that holds MNIST/raw."
        ) from error


def _mnist_halves(root: Path) -> list["MNIST"]:
    """Return torchvision's training and test half, downloaded first where the files are not there."""
    try:
        return [_read_mnist(root, train, download=False) for train in (True, False)]
    except RuntimeError as error:
        if "not found" not in str(error):  # torchvision's words for files that are not there
            raise
    _fetch_mnist(root)
    return [_read_mnist(root, train, download=False) for train in (True, False)]


def mnist() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return MNIST, 55,000 / 5,000 / 10,000, validation images drawn once for all seeds, pixels divided by 255 only."""
    root = data_folder()
    try:
        halves = _mnist_halves(root)
    except LotteryError:
        raise
    except Exception as error:
        raise LotteryError(
            f"the MNIST files in {root / 'MNIST' / 'raw'} cannot be read: {error}\n"
            "Remove them to have them downloaded again, or set LOTTERY_DATA to a folder that holds sound ones."
        ) from error
    images, test_images = (half.data.numpy().reshape(len(half.data), -1) for half in halves)
    labels, test_labels = (half.targets.numpy() for half in halves)
    if (len(images), len(test_images)) != (60_000, 10_000):
        raise LotteryError(
            f"MNIST in {root} has {len(images)} + {len(test_images)} images instead of 60,000 + 10,000; "
            "remove it and run again"
        )
    order = torch.randperm(60_000, generator=stream(0, "split", "mnist")).numpy()
    validation, train = np.split(order, [5_000])
    return {
        "train": (images[train], labels[train]),
        "validation": (images[validation], labels[validation]),
        "test": (test_images, test_labels),
    }
