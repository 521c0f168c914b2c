"""Data: splits, fingerprints, and one message when they cannot be had."""

import struct

import numpy as np
import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.data import catalogue, mnist


@pytest.fixture(autouse=True)
def fresh():
    """Forget what other tests have loaded from other folders."""
    yield
    catalogue.load.cache_clear()


def test_digits_are_split_once_and_whole(digits):
    """Every image is in exactly one part, scaled to [0, 1], with all ten classes in each."""
    parts = [digits.train, digits.validation, digits.test]
    assert [len(part.images) for part in parts] == [400, 500, 897]
    assert len({tuple(image.tolist()) for part in parts for image in part.images}) == 1797
    for part in parts:
        assert part.images.min() == 0 and part.images.max() == 1
        assert part.labels.unique().tolist() == list(range(10))


def test_fingerprint_is_of_the_pixels(monkeypatch, digits):
    """One changed pixel or label gives another fingerprint; reading again gives the same."""
    real = catalogue.DATASETS["digits"]
    catalogue.load.cache_clear()
    assert catalogue.load("digits").fingerprint == digits.fingerprint

    def changed(which):
        def read():
            parts = real()
            images, labels = (array.copy() for array in parts["test"])
            if which == "pixel":
                images[3, 20] += 1 / 16
            else:
                labels[3] = (labels[3] + 1) % 10
            return parts | {"test": (images, labels)}

        return read

    for which in ("pixel", "label"):
        monkeypatch.setitem(catalogue.DATASETS, "digits", changed(which))
        catalogue.load.cache_clear()
        assert catalogue.load("digits").fingerprint != digits.fingerprint


def test_missing_mnist_is_one_message(monkeypatch, tmp_path):
    """It names the folder, what was tried, and both ways out."""
    monkeypatch.setenv("LOTTERY_DATA", str(tmp_path / "nowhere"))

    def refuse(root, train, download):
        raise RuntimeError("Dataset not found." if not download else "Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr(mnist, "_read_mnist", refuse)
    with pytest.raises(LotteryError) as caught:
        catalogue.load("mnist")
    message = str(caught.value)
    for part in (
        str(tmp_path / "nowhere"),
        "torchvision failed",
        "Error downloading",
        "Either run again with a connection, or set LOTTERY_DATA",
    ):
        assert part in message


def write_idx(path, array):
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


def small_mnist(folder, count=(60_000, 10_000)):
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, number in zip(("train", "t10k"), count):
        write_idx(raw / f"{name}-images-idx3-ubyte", np.arange(number * 784).reshape(number, 28, 28) % 251)
        write_idx(raw / f"{name}-labels-idx1-ubyte", np.arange(number) % 10)
    return raw


def test_mnist_goes_through_torchvision(monkeypatch, tmp_path):
    """Files in LOTTERY_DATA are read by torchvision, split 55,000 / 5,000 / 10,000 and divided by 255."""
    small_mnist(tmp_path)
    monkeypatch.setenv("LOTTERY_DATA", str(tmp_path))
    loaded = catalogue.load("mnist")
    assert [len(part.images) for part in (loaded.train, loaded.validation, loaded.test)] == [55_000, 5_000, 10_000]
    assert loaded.test.images[0, 250] == pytest.approx(250 / 255) and loaded.train.images.dtype == torch.float32
    assert torch.equal(loaded.test.labels[:12], torch.arange(12) % 10)


def test_damaged_mnist_is_one_message(monkeypatch, tmp_path):
    """A file that is cut short, or a set of the wrong size, is named with its folder."""
    raw = small_mnist(tmp_path / "cut")
    content = (raw / "train-images-idx3-ubyte").read_bytes()
    (raw / "train-images-idx3-ubyte").write_bytes(content[:100_000])
    monkeypatch.setenv("LOTTERY_DATA", str(tmp_path / "cut"))
    with pytest.raises(LotteryError, match="cannot be read"):
        catalogue.load("mnist")
    small_mnist(tmp_path / "few", (100, 10))
    monkeypatch.setenv("LOTTERY_DATA", str(tmp_path / "few"))
    with pytest.raises(LotteryError, match=r"100 \+ 10 images instead of 60,000 \+ 10,000"):
        catalogue.load("mnist")


def test_unknown_data_set_is_named():
    """The message says which data sets there are."""
    with pytest.raises(LotteryError, match="no data set 'cifar'.*digits, mnist"):
        catalogue.load("cifar")


def test_real_mnist(real_mnist):
    """The real images have the published counts of digits."""
    assert torch.bincount(real_mnist.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert real_mnist.test.images.mean() == pytest.approx(0.1325, abs=0.0005)
