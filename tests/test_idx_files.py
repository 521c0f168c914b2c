"""Data sets without a split: pixels and labels of the files, splits whole, disjoint and even, or one message."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery.core.errors import LotteryError
from lottery.core.paths import data_folder
from lottery.data import catalogue, idx_files
from lottery.data.datasets import PARTS
from lottery.data.idx_files import ANIMALS, KUZUSHIJI, in_three
from tests.test_data import write_idx

NAMES = {"kmnist10k": ("KUZUSHIJI", KUZUSHIJI), "animal-silhouettes": ("ANIMALS", ANIMALS)}
COUNT = 230


@pytest.fixture(params=NAMES)
def files(request, monkeypatch, tmp_path):
    """A data set of 230 images in a data folder, and its name."""
    monkeypatch.setenv("LOTTERY_DATA", str(tmp_path))
    constant, of = NAMES[request.param]
    monkeypatch.setattr(idx_files, constant, replace(of, count=COUNT))
    (tmp_path / of.folder).mkdir(parents=True)
    generator = np.random.default_rng(0)
    write_idx(tmp_path / of.folder / of.images, generator.integers(0, 256, (COUNT, 28, 28)))
    write_idx(tmp_path / of.folder / of.labels, generator.integers(0, 10, COUNT))
    catalogue.forget()
    yield request.param, tmp_path / of.folder, of
    catalogue.forget()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=200), st.sampled_from(["one", "other"]))
def test_a_split_is_whole_disjoint_and_even(labels, name):
    """Every image is in one part with its label, and of each class a fifth, then a fifth of the rest, is taken out."""
    images, labels = np.arange(len(labels))[:, None], np.array(labels)
    parts = in_three(name, images, labels)
    assert list(parts) == list(PARTS)
    assert sorted(np.concatenate([parts[part][0][:, 0] for part in PARTS])) == list(range(len(labels)))
    for part in PARTS:
        assert np.array_equal(labels[parts[part][0][:, 0]], parts[part][1])
    for label in range(5):
        count = int((labels == label).sum())
        found = [int((parts[part][1] == label).sum()) for part in PARTS]
        test = count // 5
        validation = (count - test) // 5
        assert found == [count - test - validation, validation, test]


def test_a_split_is_of_its_name_and_mixed():
    """The same again, another for another name, and classes in no order."""
    images, labels = np.arange(1_000)[:, None], np.repeat(np.arange(10), 100)
    first, again, other = (in_three(name, images, labels) for name in ("one", "one", "other"))
    for part in PARTS:
        assert np.array_equal(first[part][0], again[part][0]) and not np.array_equal(first[part][0], other[part][0])
        assert (np.diff(first[part][1]) < 0).mean() > 0.3  # of a random order about 0.45, sorted none


def test_pixels_are_those_of_the_files(files):
    """Vectors in the order of rows, each with its own label."""
    name, place, of = files
    parts, _ = catalogue.read(name)
    head = (place / of.images).read_bytes()[16:]
    pixels = np.frombuffer(head, np.uint8).reshape(COUNT, 784)
    labels = dict(zip(map(bytes, pixels), (place / of.labels).read_bytes()[8:]))
    for images, classes in parts.values():
        assert images.shape[1] == 784 and all(labels[bytes(image)] == label for image, label in zip(images, classes))
    assert sum(len(images) for images, _ in parts.values()) == COUNT == len(labels)


class TestMessages:
    """Each says what it is, where it belongs, and what to do."""

    def test_missing(self, files):
        """The file that is not there is named."""
        name, place, of = files
        (place / of.labels).unlink()
        message = rf"{name}, the [\d,]+ .* is not in .*: {of.labels} belong in .*{of.folder}.\n.*set LOTTERY_DATA"
        with pytest.raises(LotteryError, match=message):
            catalogue.load(name)

    def test_cut_short(self, files):
        """As after a download that broke off."""
        name, place, of = files
        (place / of.images).write_bytes((place / of.images).read_bytes()[:4_000])
        with pytest.raises(LotteryError, match=rf"the {name} files .* cannot be read: .*\nPut intact ones there"):
            catalogue.load(name)

    def test_of_another_number(self, files):
        """In one of the files, or in both."""
        name, place, of = files
        write_idx(place / of.labels, np.zeros(COUNT - 1))
        with pytest.raises(LotteryError, match="230 images and 229 labels, not 230"):
            catalogue.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_real_files(name):
    """Ten classes, and no image that is in two parts."""
    _, of = NAMES[name]
    if not (data_folder() / of.folder / of.images).exists():
        pytest.skip(f"{name} is not in {data_folder()}; set LOTTERY_DATA to a folder that holds {of.folder}")
    data, _ = catalogue.read(name)
    seen = [set(map(bytes, data[part][0])) for part in PARTS]
    assert sum(len(data[part][0]) for part in PARTS) == of.count == sum(map(len, seen)) == len(set().union(*seen))
    assert all(set(data[part][1]) == set(range(10)) for part in PARTS)
