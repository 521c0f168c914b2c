"""Colour images in grey and smaller: against Pillow, and against an average that is written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from lottery.data.grey import AT_ONCE, in_grey, luminance, smaller

SMALL = arrays(np.uint8, (2, 32, 32), elements=st.integers(0, 255))


def written_out(image):
    """Return the means (28, 28) of an image (32, 32): every pixel cut into 7 by 7, then joined 8 by 8."""
    return np.kron(image.astype(np.float64), np.ones((7, 7))).reshape(28, 8, 28, 8).mean((1, 3))


def test_luminance_is_pillows():
    """Of all colours in steps of five, and the extremes."""
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels)).reshape(3, 1, 1, -1).transpose(1, 0, 2, 3)
    pillows = np.asarray(Image.fromarray(colours[0].transpose(1, 2, 0)).convert("L"))
    assert np.array_equal(luminance(colours)[0], pillows)


@given(SMALL)
def test_a_smaller_image_is_the_mean_of_areas(images):
    """Rounded to nearest, halves up."""
    expected = np.stack([np.floor(written_out(image) + 0.5) for image in images])
    assert np.array_equal(smaller(images), expected)


@given(SMALL)
def test_turning_and_mirroring_go_along(images):
    """Rows are treated as columns, and no side is preferred."""
    found = smaller(images)
    assert np.array_equal(smaller(images[:, ::-1]), found[:, ::-1])
    assert np.array_equal(smaller(images.swapaxes(1, 2)), found.swapaxes(1, 2))


@pytest.mark.parametrize("value", [0, 1, 127, 254, 255])
def test_an_even_image_stays_even(value):
    """Of any grey, which red, green and blue alike are."""
    images = np.full((3, 3, 32, 32), value, np.uint8)
    assert (in_grey({"train": (images, np.zeros(3))})["train"][0] == value).all()


def test_many_images_are_as_one():
    """Whatever they share a pass with; labels stay as they are, and vectors are row by row."""
    images = np.random.default_rng(0).integers(0, 256, (AT_ONCE + 7, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(len(images))
    found, same = in_grey({"test": (images, labels)})["test"]
    assert found.shape == (len(images), 784) and found.dtype == np.uint8 and same is labels
    for place in (0, AT_ONCE - 1, AT_ONCE, len(images) - 1):
        assert np.array_equal(found[place].reshape(28, 28), smaller(luminance(images[place : place + 1]))[0])
