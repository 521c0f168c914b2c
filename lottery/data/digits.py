"""scikit-learn's digits: small real images that come with the package."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from lottery.core.rng import stream


def digits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return scikit-learn's 1,797 digits of 8x8 pixels, split 400 / 500 / 897 into three parts once for all seeds.

    So few training images make a network overfit within its short run: early stopping then has something to find.
    """
    found = rows()
    images, labels = found[:, :-1].astype(np.float32) / 16, found[:, -1].astype(np.int64)
    order = torch.randperm(len(images), generator=stream(0, "split", "digits")).numpy()
    test, validation, train = np.split(order, [897, 1397])
    return {
        "train": (images[train], labels[train]),
        "validation": (images[validation], labels[validation]),
        "test": (images[test], labels[test]),
    }


def rows() -> np.ndarray:
    """Return the digits, (1797, 65): 64 pixels from 0 to 16, then the label.

    They are read from scikit-learn's own file, since importing it would take every process a second.
    """
    spec = find_spec("sklearn")
    for folder in spec.submodule_search_locations or () if spec else ():
        if (file := Path(folder, "datasets", "data", "digits.csv.gz")).is_file():
            return np.loadtxt(file, delimiter=",", dtype=np.uint8)
    from sklearn.datasets import load_digits  # wherever it keeps them

    return np.column_stack(load_digits(return_X_y=True))
