"""Data sets of users: `--dataset NAME=FILE.py:FUNCTION` makes what a function returns a data set under NAME.

The function takes nothing and returns the three parts of the data by name, images and labels of each:

    {"train": (images, labels), "validation": (images, labels), "test": (images, labels)}

Images are arrays or tensors (N, ...): bytes, which are divided by 255, or numbers, which are taken as they are. Labels
are whole numbers (N,) from zero. They are the same whenever and wherever they are read.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from lottery.core.errors import LotteryError
from lottery.data import catalogue
from lottery.data.tasks import SIZES
from lottery.masks.own_code import OwnFunction, Unusable, target
from lottery.masks.surroundings import kept
from lottery.store.places import raised

PARTS = ("train", "validation", "test")
Arrays = dict[str, tuple[np.ndarray, np.ndarray]]
ALIKE = "it must be the same each time: draw from a generator with a seed, such as numpy.random.default_rng(0)"

_OWN: list[str] = []


def names() -> list[str]:
    """Return the names of users' data sets."""
    return list(_OWN)


def load(option: str) -> str:
    """Register the data set that an option points to, read it and return its name; raise if there is none."""
    try:
        of = target(option, "shapes=mine.py:data", {*catalogue.DATASETS, *SIZES}, "data set")
        function = OwnFunction(of, "dataset")
    except LotteryError as error:
        raise LotteryError(f"--dataset {option}: {error}") from None
    catalogue.DATASETS[of.name] = _reader(of.name, function)
    _OWN.append(of.name)
    try:
        catalogue.read(of.name)
    except LotteryError as error:
        forget(of.name)
        raise LotteryError(f"--dataset {option}: {error}") from error
    return of.name


def fingerprints() -> dict[str, str]:
    """Return the fingerprints of users' data sets by name, as this process has read them."""
    return {name: catalogue.fingerprint(name) for name in _OWN}


def check_alike(name: str) -> None:
    """Raise where a user's data set is another one once it is read again, which would be measured as one."""
    first = catalogue.fingerprint(name)
    catalogue.forget()  # so that it is not held twice
    if catalogue.fingerprint(name) != first:
        raise LotteryError(f"data set {name!r} returns other images or labels when it is asked again; {ALIKE}")


def check_alike_elsewhere(read: Mapping[str, str]) -> None:
    """Raise where a user's data set is not what the process that began the run has read, by its fingerprint."""
    for name, fingerprint in fingerprints().items():
        if read.get(name, fingerprint) != fingerprint:
            why = "as does the order of a set, which `sorted` settles, or what is drawn while its file is imported"
            raise LotteryError(f"data set {name!r} differs from process to process of this run, {why}; {ALIKE}")


def forget(name: str) -> None:
    """Take a user's data set from the register."""
    catalogue.DATASETS.pop(name, None)
    catalogue.forget()
    if name in _OWN:
        _OWN.remove(name)


def _reader(name: str, function: OwnFunction) -> Callable[[], Arrays]:
    def read() -> Arrays:
        try:
            with kept(seed=0):
                return _checked(function())
        except Unusable as error:
            raise LotteryError(f"data set {name!r} {error}") from error
        except LotteryError as error:
            raise LotteryError(f"data set {name!r}: {error}") from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it raises, one message says whose it is
            raise LotteryError(f"data set {name!r} {raised(error)}") from error

    return read


def _checked(returned: Any) -> Arrays:
    """Return the parts as arrays; raise with what is wrong about them."""
    if not isinstance(returned, dict) or set(returned) != set(PARTS):
        found = f"a dict of {', '.join(map(str, returned)) or 'nothing'}" if isinstance(returned, dict) else ""
        raise LotteryError(
            f"its function returned {found or type(returned).__name__}; it must return a dict of {', '.join(PARTS)}"
        )
    parts = {part: _part(part, returned[part]) for part in PARTS}
    shapes = {part: images.shape[1:] for part, (images, _) in parts.items()}
    if len(set(shapes.values())) > 1:
        raise LotteryError(f"its parts have images of different shapes: {shapes}")
    return parts


def _part(part: str, value: Any) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise LotteryError(f"its part {part!r} must be a pair of images and labels, not {type(value).__name__}")
    images, labels = (np.asarray(of.detach().cpu() if isinstance(of, torch.Tensor) else of) for of in value)
    if labels.ndim != 1 or len(images) != len(labels) or not len(labels):
        raise LotteryError(
            f"its part {part!r} has images {images.shape} and labels {labels.shape}; there must be one label per image"
        )
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        found = f"one is {labels.min()}" if labels.dtype.kind == "i" else f"they are {labels.dtype}"
        raise LotteryError(f"the labels of its part {part!r} must be whole numbers from zero; {found}")
    if images.dtype.kind not in "iuf" or (images.dtype.kind in "iu" and images.dtype != np.uint8):
        raise LotteryError(f"the images of its part {part!r} are {images.dtype}; make them bytes or floats")
    if images.dtype == np.uint8:
        return images, labels
    if not np.isfinite(images).all():
        raise LotteryError(f"the images of its part {part!r} are not all finite")
    return images.astype(np.float32), labels
