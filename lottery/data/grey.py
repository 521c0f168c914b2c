"""Colour images of 32 by 32 pixels in grey, 28 by 28: for networks that were made for digits.

All is done in whole numbers, so that every machine makes the same pixels.
"""

import numpy as np

from lottery.data.datasets import Arrays

LUMINANCE = (19_595, 38_470, 7_471)  # ITU-R 601 in parts of 65,536, as Pillow's mode "L" has it
TO = 28  # rows and columns, of 32: a new one is as wide as one and a seventh of the old ones
AT_ONCE = 1_000  # images; all of them at once would take gigabytes


def in_grey(parts: Arrays) -> Arrays:
    """Return images (N, 3, 32, 32) uint8 as grey vectors (N, 784) uint8, with their labels."""
    return {part: (_in_grey(images), labels) for part, (images, labels) in parts.items()}


def _in_grey(images: np.ndarray) -> np.ndarray:
    made = np.empty((len(images), TO * TO), np.uint8)
    for start in range(0, len(images), AT_ONCE):
        some = smaller(luminance(images[start : start + AT_ONCE]))
        made[start : start + AT_ONCE] = some.reshape(len(some), -1)
    return made


def luminance(images: np.ndarray) -> np.ndarray:
    """Return the luminance (N, height, width) uint8 of images (N, 3, height, width) uint8, rounded to nearest."""
    red, green, blue = (share * images[:, place].astype(np.uint32) for place, share in enumerate(LUMINANCE))
    return ((red + green + blue + (1 << 15)) >> 16).astype(np.uint8)


def smaller(images: np.ndarray) -> np.ndarray:
    """Return images (N, 32, 32) uint8 as (N, 28, 28): each pixel is the mean of the area that it covers, rounded.

    In eighths of its own width a new pixel covers 7 - k of an old one and 1 + k of the next, k from 0 to 6.
    """
    first, inside = np.divmod(np.arange(TO) * 8, 7)
    shares = (7 - inside).astype(np.uint16), (1 + inside).astype(np.uint16)
    sums = images.astype(np.uint16)
    for _ in range(2):  # columns, then rows
        sums = (sums[:, :, first] * shares[0] + sums[:, :, first + 1] * shares[1]).swapaxes(1, 2)
    return ((sums + 32) >> 6).astype(np.uint8)
