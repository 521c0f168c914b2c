"""scikit-learn's digits: small real images that come with the package."""

import numpy as np
import torch

from lottery.core.rng import stream


def digits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return scikit-learn's 1,797 digits of 8x8 pixels, split 400 / 500 / 897 into three parts once for all seeds.

    So few training images make a network overfit within its short run: early stopping then has something to find.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    images, labels = found.data.astype(np.float32) / 16, found.target
    order = torch.randperm(len(images), generator=stream(0, "split", "digits")).numpy()
    test, validation, train = np.split(order, [897, 1397])
    return {
        "train": (images[train], labels[train]),
        "validation": (images[validation], labels[validation]),
        "test": (images[test], labels[test]),
    }
