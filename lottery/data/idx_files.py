"""Data sets that are one file of images and one of labels: they are split in three here, once for all seeds."""

from dataclasses import dataclass

import numpy as np
import torch

from lottery.core.errors import LotteryError
from lottery.core.paths import data_folder
from lottery.core.rng import stream
from lottery.data.datasets import PARTS, Arrays
from lottery.data.stand_ins import KMNIST_10K

SHARE = 5  # one image in so many is for testing, and one in so many of the rest for validation


@dataclass(frozen=True)
class IdxFiles:
    """Images and labels in files of MNIST's format, within a folder of the data folder."""

    name: str
    about: str
    folder: str
    images: str
    labels: str
    count: int

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the images (N, 784) uint8 and labels (N,) int64; raise with one message if they cannot be had."""
        from torchvision.datasets.mnist import read_image_file, read_label_file

        place = data_folder() / self.folder
        if missing := [file for file in (self.images, self.labels) if not (place / file).exists()]:
            raise LotteryError(
                f"{self.name}, {self.about}, is not in {data_folder()}: {' and '.join(missing)} belong in {place}.\n"
                f"Put them there, or set LOTTERY_DATA to a folder that holds {self.folder} with both."
            )
        try:
            images = read_image_file(str(place / self.images)).numpy().reshape(-1, 784)
            labels = read_label_file(str(place / self.labels)).numpy()
            if not len(images) == len(labels) == self.count:
                raise ValueError(f"they hold {len(images):,} images and {len(labels):,} labels, not {self.count:,}")
            if labels.min() < 0 or labels.max() > 9:
                raise ValueError("their labels are not all from 0 to 9")
        except Exception as error:
            raise LotteryError(
                f"the {self.name} files {self.images} and {self.labels} in {place} cannot be read: "
                f"{str(error) or type(error).__name__}\nPut intact ones there."
            ) from error
        return images, labels


KUZUSHIJI = IdxFiles(
    KMNIST_10K,
    "the 10,000 test images of Kuzushiji-MNIST",
    "KMNIST/raw",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
    10_000,
)
ANIMALS = IdxFiles(
    "animal-silhouettes",
    "the 9,716 distinct images of the Python package animal-mnist 0.4",
    "AnimalSilhouettes/raw",
    "images-idx3-ubyte",
    "labels-idx1-ubyte",
    9_716,
)


def kmnist10k() -> Arrays:
    """Return the test images of KMNIST alone, 6,400 / 1,600 / 2,000 images (N, 784): never KMNIST itself."""
    return in_three(KUZUSHIJI.name, *KUZUSHIJI.read())


def animal_silhouettes() -> Arrays:
    """Return outlines of animals of ten kinds, about 6,200 / 1,500 / 1,900 images (N, 784). No paper has them.

    Images that are equal were taken out; some that are nearly so may be in more than one part.
    """
    return in_three(ANIMALS.name, *ANIMALS.read())


def in_three(name: str, images: np.ndarray, labels: np.ndarray) -> Arrays:
    """Return images and labels split at random, of each class a fifth for testing, then a fifth for validation.

    Each part is in a random order of its own. The split is drawn by a stream of the data set's name.
    """
    generator = stream(0, "split", name)
    shuffled = torch.randperm(len(images), generator=generator).numpy()
    chosen: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    for label in np.unique(labels):
        test, rest = _cut(shuffled[labels[shuffled] == label])
        validation, train = _cut(rest)
        for part, places in zip(PARTS, (train, validation, test)):
            chosen[part].append(places)
    split = {}
    for part, by_class in chosen.items():
        together = np.concatenate(by_class)
        order = together[torch.randperm(len(together), generator=generator).numpy()]
        split[part] = images[order], labels[order]
    return split


def _cut(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a share of places, and the rest."""
    first, rest = np.split(places, [len(places) // SHARE])
    return first, rest
