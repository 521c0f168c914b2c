"""Tasks made of digits: what was done to pixels and classes can be undone, and no two tasks are alike."""

from itertools import combinations

import numpy as np
import pytest

from lottery.data import catalogue
from lottery.data.datasets import PARTS
from lottery.data.digit_tasks import CLASSES
from lottery.data.digits import digits

TASKS = ("digits", "digits-turned", "digits-upended", "digits-inverted", "digits-scrambled")
BACK = {
    "digits-turned": lambda images: np.rot90(images.reshape(-1, 8, 8), -1, axes=(1, 2)).reshape(-1, 64),
    "digits-upended": lambda images: np.flip(images.reshape(-1, 8, 8), 1).reshape(-1, 64),
    "digits-inverted": lambda images: 1 - images,
}


@pytest.mark.parametrize("name", BACK)
def test_pixels_can_be_had_back(name):
    """Image by image, to the bit, in the split of the digits."""
    plain, changed = digits(), catalogue.DATASETS[name]()
    for part in PARTS:
        assert np.array_equal(BACK[name](changed[part][0]), plain[part][0])
        assert not np.array_equal(changed[part][0], plain[part][0])


def test_scrambled_pixels_have_one_order():
    """Each goes to one place, the same in all images of all parts: columns of pixels are those of the digits."""
    plain, changed = (
        np.concatenate([catalogue.DATASETS[name]()[part][0] for part in PARTS]) for name in ("digits", TASKS[-1])
    )
    there, here = (sorted(map(bytes, np.ascontiguousarray(of.T))) for of in (plain, changed))
    assert there == here and not np.array_equal(plain, changed)
    moved = sum(not np.array_equal(*of) for of in zip(plain.T, changed.T))
    assert moved > 50


def test_classes_are_renamed_and_shared_by_no_two_tasks():
    """Every digit has one class in a task, and another one in each other task."""
    labels = {name: np.concatenate([catalogue.DATASETS[name]()[part][1] for part in PARTS]) for name in TASKS}
    for name in TASKS:
        pairs = set(zip(labels["digits"], labels[name]))
        assert len(pairs) == CLASSES and {label for _, label in pairs} == set(range(CLASSES))
    for one, other in combinations(TASKS, 2):
        assert not (labels[one] == labels[other]).any()


def test_tasks_have_fingerprints_of_their_own():
    """And one each, however often they are read."""
    found = {name: catalogue.fingerprint(name) for name in TASKS}
    assert len(set(found.values())) == len(TASKS)
    catalogue.forget()
    assert {name: catalogue.fingerprint(name) for name in TASKS} == found
