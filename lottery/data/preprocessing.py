"""Preprocessing: what is done to images before a network sees them, by name. The papers leave it open.

Images are arrays (N, channels, height, width) float32 in [0, 1], or vectors (N, values) of a single channel. What is
estimated is estimated on the training images alone. No torch here, so that settings can be described without it.
"""

from collections.abc import Callable, Mapping

import numpy as np

from lottery.core.errors import LotteryError

UNIT, STANDARD, PER_IMAGE = "unit", "standard", "per image"
AT_ONCE = 1_000  # images; in float64 all of them would take gigabytes
Prepare = Callable[[np.ndarray], None]  # changes images in place


def unit(train: np.ndarray) -> Prepare:
    """Return what leaves images as they are, their pixels in [0, 1]."""
    return lambda images: None


def standard(train: np.ndarray) -> Prepare:
    """Return what subtracts each channel's mean over the training images, and divides by its deviation there."""
    channels = np.moveaxis(_by_channel(train), 1, 0)  # (C, N, pixels)
    means, deviations = ([float(of(one, dtype=np.float64)) for one in channels] for of in (np.mean, np.std))
    if min(deviations) == 0:
        raise LotteryError("a channel has one value in all training images; it has no deviation to divide by")

    def prepare(images: np.ndarray) -> None:
        for channel, mean, deviation in zip(np.moveaxis(_by_channel(images), 1, 0), means, deviations):
            channel -= np.float32(mean)
            channel /= np.float32(deviation)

    return prepare


def per_image(train: np.ndarray) -> Prepare:
    """Return what gives each image a mean of zero and a deviation of one, over all of its channels.

    The deviation counts as one over the root of the number of values at least, as it does in
    tf.image.per_image_standardization, so that an even image becomes zero.
    """

    def prepare(images: np.ndarray) -> None:
        for start in range(0, len(images), AT_ONCE):
            some = images[start : start + AT_ONCE].reshape(-1, images[0].size)
            mean, deviation = (of(some, 1, keepdims=True, dtype=np.float64) for of in (np.mean, np.std))
            some -= mean.astype(np.float32)
            some /= np.maximum(deviation, some.shape[1] ** -0.5).astype(np.float32)

    return prepare


def _by_channel(images: np.ndarray) -> np.ndarray:
    """Return a view (N, channels, pixels) of images."""
    return images.reshape(len(images), images.shape[1] if images.ndim > 2 else 1, -1)


PREPROCESSINGS: Mapping[str, Callable[[np.ndarray], Prepare]] = {UNIT: unit, STANDARD: standard, PER_IMAGE: per_image}
