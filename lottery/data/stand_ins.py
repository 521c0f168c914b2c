"""Data sets that stand in for others which are not in the data folder. No torch here."""

from lottery.core.paths import data_folder

CIFAR10, CIFAR10_JPEG = "cifar10", "cifar10-jpeg"
FOLDERS = {CIFAR10: "cifar-10-batches-py", CIFAR10_JPEG: "cifar10-images"}  # within the data folder
STAND_INS = {CIFAR10: CIFAR10_JPEG}  # never the same data: what is measured on one is an analogue


def at_hand(name: str) -> str:
    """Return the data set that is asked for, or its stand-in where that alone is in the data folder.

    Where neither is, the data set that is asked for can be downloaded.
    """
    other = STAND_INS.get(name)
    if other is None or (data_folder() / FOLDERS[name]).exists() or not (data_folder() / FOLDERS[other]).exists():
        return name
    return other


def is_stand_in(name: str) -> bool:
    """Return whether a data set stands in for another one."""
    return name in STAND_INS.values()
