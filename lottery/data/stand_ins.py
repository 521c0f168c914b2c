"""Data sets that stand in for others which are not in the data folder, or not as they were published. No torch here."""

import functools
import hashlib
from pathlib import Path

from lottery.core.paths import data_folder

CIFAR10, CIFAR10_JPEG = "cifar10", "cifar10-jpeg"
CIFAR10_GREY, CIFAR10_JPEG_GREY = "cifar10-grey", "cifar10-jpeg-grey"
KMNIST, KMNIST_10K = "kmnist", "kmnist10k"
FASHION_MNIST, SILHOUETTES = "fashion-mnist", "animal-silhouettes"
FOLDERS = {CIFAR10: "cifar-10-batches-py", CIFAR10_JPEG: "cifar10-images"}  # within the data folder
# The folder or file in the data folder that tells whether a data set is there.
PLACES = FOLDERS | {
    CIFAR10_GREY: FOLDERS[CIFAR10],
    CIFAR10_JPEG_GREY: FOLDERS[CIFAR10_JPEG],
    KMNIST: "KMNIST/raw/train-images-idx3-ubyte",
    KMNIST_10K: "KMNIST/raw/t10k-images-idx3-ubyte",
    FASHION_MNIST: "FashionMNIST/raw",
    SILHOUETTES: "AnimalSilhouettes/raw",
}
# Never the same data: what is measured on one is an analogue. Silhouettes are other things than clothes, though also
# ten kinds of them, grey, of 28x28 pixels.
STAND_INS = {CIFAR10: CIFAR10_JPEG, CIFAR10_GREY: CIFAR10_JPEG_GREY, KMNIST: KMNIST_10K, FASHION_MNIST: SILHOUETTES}


# SHA-256 of MNIST's four files, in the order of their names. Of the others in its format only their packed files'
# digests are published, and torchvision checks those when it downloads; CIFAR's and SVHN's files it checks always.
OF_MNIST = {
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
}
OTHER = "?"  # behind the name of a data set whose files are not the published ones
CHECKED = ("mnist", "mnist-48k")


def at_hand(name: str) -> str:
    """Return the data set that is asked for, or its stand-in where that alone is in the data folder.

    Where neither is, the data set that is asked for can be downloaded. Files that are there under MNIST's names and
    hold something else are `mnist?`, whose results are no answer on a paper.
    """
    if name in CHECKED:
        return name if _is_mnist(data_folder() / "MNIST" / "raw") else name + OTHER
    other = STAND_INS.get(name)
    if other is None or (data_folder() / PLACES[name]).exists() or not (data_folder() / PLACES[other]).exists():
        return name
    return other


def is_stand_in(name: str) -> bool:
    """Return whether a data set stands in for another one."""
    return name in STAND_INS.values() or name.endswith(OTHER)


@functools.cache
def _is_mnist(folder: Path) -> bool:
    """Return whether a folder has MNIST's files as they were published, or lacks some, which are then downloaded."""
    files = {folder / name: digest for name, digest in OF_MNIST.items()}
    if not all(file.is_file() for file in files):
        return True
    try:
        return all(hashlib.sha256(file.read_bytes()).hexdigest() == digest for file, digest in files.items())
    except OSError:
        return True  # whoever reads them says what is wrong
