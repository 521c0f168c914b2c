"""Tasks made of scikit-learn's digits by fixed transformations of their pixels and classes.

They stand for a family of tasks where no other data are at hand. Images are split as those of `digits`, and in no two
of the five tasks does a digit have the same class, so that no task's output layer serves another.
"""

from collections.abc import Callable

import numpy as np
import torch

from lottery.core.rng import stream
from lottery.data.datasets import Arrays
from lottery.data.digits import digits

CLASSES, SIDE = 10, 8


def digits_turned() -> Arrays:
    """Return the digits turned by a quarter to the left, every class called by the number two above its own."""
    return _changed(lambda images: np.rot90(images, axes=(1, 2)), 2)


def digits_upended() -> Arrays:
    """Return the digits upside down, their first row last, every class called by the number four above its own."""
    return _changed(lambda images: images[:, ::-1], 4)


def digits_inverted() -> Arrays:
    """Return the digits in black on white, every class called by the number six above its own."""
    return _changed(lambda images: 1 - images, 6)


def digits_scrambled() -> Arrays:
    """Return the digits with their pixels in one random order, every class called by the number eight above its own."""
    order = torch.randperm(SIDE * SIDE, generator=stream(0, "scrambled pixels", "digits")).numpy()
    return _changed(lambda images: images.reshape(len(images), -1)[:, order], 8)


def _changed(change: Callable[[np.ndarray], np.ndarray], above: int) -> Arrays:
    """Return the digits, `change` made to images (N, 8, 8), and classes moved up by so many, modulo ten."""
    return {
        part: (change(images.reshape(-1, SIDE, SIDE)).reshape(len(images), -1), (labels + above) % CLASSES)
        for part, (images, labels) in digits().items()
    }
