"""Data sets that stand in for others which are not in the data folder. No torch here."""

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


def at_hand(name: str) -> str:
    """Return the data set that is asked for, or its stand-in where that alone is in the data folder.

    Where neither is, the data set that is asked for can be downloaded.
    """
    other = STAND_INS.get(name)
    if other is None or (data_folder() / PLACES[name]).exists() or not (data_folder() / PLACES[other]).exists():
        return name
    return other


def is_stand_in(name: str) -> bool:
    """Return whether a data set stands in for another one."""
    return name in STAND_INS.values()
