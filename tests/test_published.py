"""Data sets through torchvision, from small files in its layout: pixels, labels, splits, or one message."""

import hashlib
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torchvision import datasets as theirs

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data import catalogue, published
from lottery.data.grey import in_grey
from tests.test_data import write_idx

IDX = {
    "mnist-48k": ("MNIST", "MNIST/raw", ("train", "t10k"), 10),
    "fashion-mnist": ("FASHION_MNIST", "FashionMNIST/raw", ("train", "t10k"), 10),
    "kmnist": ("KMNIST", "KMNIST/raw", ("train", "t10k"), 10),
    "emnist": ("EMNIST", "EMNIST/raw", ("emnist-balanced-train", "emnist-balanced-test"), 47),
}
COUNTS = {"train": 103, "test": 50}
NAMES = ("MNIST", "FASHION_MNIST", "KMNIST", "EMNIST", "SVHN", "CIFAR10", "CIFAR100")
WHOLE = {name: getattr(published, name).images for name in NAMES}  # before a test makes them small
FOLDERS = {name: folder for name, (_, folder, _, _) in IDX.items()} | {
    "svhn": "SVHN",
    "svhn-grey": "SVHN",
    "cifar10-grey": "cifar-10-batches-py",
    "cifar100": "cifar-100-python",
    "cifar100-grey": "cifar-100-python",
}


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """An empty data folder, small counts of all data sets, and nothing that other tests have loaded."""
    monkeypatch.setenv("LOTTERY_DATA", str(tmp_path))
    for name in WHOLE:
        of = getattr(published, name)
        monkeypatch.setattr(published, name, replace(of, images=tuple(COUNTS.values())))
    catalogue.forget()
    yield tmp_path
    catalogue.forget()


def pixels(count, *shape):
    """Return images in which every pixel counts, no two of them alike."""
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


def write_idx_files(name, root):
    """Write a data set in MNIST's format, and return torchvision's class and the options to read it with."""
    published_name, folder, halves, classes = IDX[name]
    (root / folder).mkdir(parents=True)
    for half, count in zip(halves, COUNTS.values()):
        write_idx(root / folder / f"{half}-images-idx3-ubyte", pixels(count, 28, 28))
        write_idx(root / folder / f"{half}-labels-idx1-ubyte", np.arange(count) % classes)
    options = {"split": "balanced"} if name == "emnist" else {}
    return getattr(theirs, getattr(published, published_name).kind), options


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def write_svhn(root, monkeypatch):
    """Write SVHN's two files, and have torchvision take them for it; the digit 0 is written as 10."""
    (root / "SVHN").mkdir()
    lists = {}
    for half, count in COUNTS.items():
        file = root / "SVHN" / f"{half}_32x32.mat"
        savemat(file, {"X": pixels(count, 32, 32, 3).transpose(1, 2, 3, 0), "y": np.arange(count)[:, None] % 10 + 1})
        lists[half] = ["nowhere", file.name, md5(file.read_bytes())]
    monkeypatch.setattr(theirs.SVHN, "split_list", lists)


def write_cifar(kind, root, monkeypatch):
    """Write CIFAR-10 or CIFAR-100 as one file for each half, and have torchvision take them for it."""
    cifar = getattr(theirs, kind)
    place, key = root / cifar.base_folder, "labels" if kind == "CIFAR10" else "fine_labels"
    classes = 10 if kind == "CIFAR10" else 100
    place.mkdir()
    for half, count in COUNTS.items():
        labels = [number * 7 % classes for number in range(count)]
        content = {"data": pixels(count, 3072), key: labels, "coarse_labels": [0] * count}
        (place / half).write_bytes(pickle.dumps(content))
        monkeypatch.setattr(cifar, f"{half}_list", [[half, md5((place / half).read_bytes())]])
    meta = place / cifar.meta["filename"]
    meta.write_bytes(pickle.dumps({cifar.meta["key"]: [str(number) for number in range(classes)]}))
    monkeypatch.setattr(cifar, "meta", cifar.meta | {"md5": md5(meta.read_bytes())})


def split_as(name, images, labels, parts):
    """Assert that training images and labels are split by the stream of this name, a fifth for validation."""
    order = torch.randperm(len(images), generator=stream(0, "split", name)).numpy()
    for part, chosen in (("validation", order[:20]), ("train", order[20:])):
        assert np.array_equal(parts[part][0], images[chosen]) and np.array_equal(parts[part][1], labels[chosen])


@pytest.mark.parametrize("name", IDX)
def test_files_in_mnists_format_go_through_torchvision(small, name):
    """As vectors, the pixels and labels that torchvision's own class returns, upright or not."""
    kind, options = write_idx_files(name, small)
    parts, _ = catalogue.read(name)
    train, test = (kind(small, train=half, **options) for half in (True, False))
    split_as(name, train.data.numpy().reshape(-1, 784), train.targets.numpy(), parts)
    assert np.array_equal(parts["test"][0], test.data.numpy().reshape(-1, 784))
    image, label = test[7]
    assert np.array_equal(parts["test"][0][7].reshape(28, 28), np.asarray(image)) and parts["test"][1][7] == label
    assert parts["train"][1].max() == IDX[name][3] - 1


def test_svhn_goes_through_torchvision(small, monkeypatch):
    """Colours, rows and columns in their order; the digit 0 is class 0."""
    write_svhn(small, monkeypatch)
    parts, _ = catalogue.read("svhn")
    train = pixels(COUNTS["train"], 32, 32, 3).transpose(0, 3, 1, 2)
    split_as("svhn", train, (np.arange(103) % 10 + 1) % 10, parts)
    image, label = theirs.SVHN(small / "SVHN", split="test")[9]
    assert np.array_equal(parts["test"][0][9], np.asarray(image).transpose(2, 0, 1)) and label == 0
    assert sorted(set(parts["test"][1])) == list(range(10))


def test_cifar100_goes_through_torchvision(small, monkeypatch):
    """Its hundred fine classes."""
    write_cifar("CIFAR100", small, monkeypatch)
    parts, _ = catalogue.read("cifar100")
    split_as("cifar100", pixels(103, 3072).reshape(-1, 3, 32, 32), np.arange(103) * 7 % 100, parts)
    image, label = theirs.CIFAR100(small, train=False)[31]
    assert np.array_equal(parts["test"][0][31], np.asarray(image).transpose(2, 0, 1)) and parts["test"][1][31] == label


@pytest.mark.parametrize("name", ["svhn", "cifar100"])
def test_in_grey_they_are_the_same_images(small, monkeypatch, name):
    """In the same split, of another fingerprint."""
    write_svhn(small, monkeypatch)
    write_cifar("CIFAR100", small, monkeypatch)
    (colours, first), (grey, second) = (catalogue.read(each) for each in (name, f"{name}-grey"))
    expected = in_grey(colours)
    for part in colours:
        assert np.array_equal(grey[part][0], expected[part][0]) and np.array_equal(grey[part][1], colours[part][1])
    assert first != second


def test_cifar10_in_grey_holds_out_a_fifth(small, monkeypatch):
    """Unlike CIFAR-10 in colours, which the other papers train on."""
    write_cifar("CIFAR10", small, monkeypatch)
    parts, _ = catalogue.read("cifar10-grey")
    images = in_grey({"train": (pixels(103, 3072).reshape(-1, 3, 32, 32), np.zeros(103))})["train"][0]
    split_as("cifar10-grey", images, np.arange(103) * 7 % 10, parts)


@pytest.mark.parametrize("name, folder", FOLDERS.items())
def test_missing_files_are_one_message(small, monkeypatch, name, folder):
    """It names the folder, what was tried, and both ways out."""

    def refuse(kind, root, train, download):
        raise RuntimeError("Dataset not found." if not download else "no connection")

    monkeypatch.setattr(published, "read", refuse)
    message = rf"belong in .*{folder}\), and downloading .*: no connection\n.*set LOTTERY_DATA to .* holds {folder}"
    with pytest.raises(LotteryError, match=message):
        catalogue.load(name)


@pytest.mark.parametrize("name", IDX)
def test_damaged_files_are_one_message(small, name):
    """What is cut short, and what holds another number of images, is named with its folder."""
    write_idx_files(name, small)
    _, folder, (train, _), _ = IDX[name]
    images, labels = (small / folder / f"{train}-{of}-ubyte" for of in ("images-idx3", "labels-idx1"))
    whole = images.read_bytes()
    images.write_bytes(whole[:5_000])
    with pytest.raises(LotteryError, match=rf"files in .*{folder} cannot be read"):
        catalogue.load(name)
    write_idx(images, pixels(90, 28, 28))
    write_idx(labels, np.arange(90) % 10)
    with pytest.raises(LotteryError, match=r"90 \+ 50 images instead of 103 \+ 50"):
        catalogue.load(name)


def test_damaged_svhn_is_one_message(small, monkeypatch):
    """A file whose checksum is wrong is no reason to download over it."""
    write_svhn(small, monkeypatch)
    file = small / "SVHN" / "test_32x32.mat"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(LotteryError, match=r"the SVHN files in .*SVHN cannot be read: .*corrupted"):
        catalogue.load("svhn")


def test_labels_that_cannot_be_are_one_message(small):
    """A class too many."""
    write_idx_files("fashion-mnist", small)
    write_idx(small / "FashionMNIST" / "raw" / "train-labels-idx1-ubyte", np.arange(100) % 11)
    with pytest.raises(LotteryError, match="do not have a label from 0 to 9 for every image"):
        catalogue.read("fashion-mnist")


def test_both_halves_are_downloaded(small, monkeypatch):
    """SVHN's are files of their own."""
    asked, sound = [], published.read

    def read(kind, root, train, download):
        if not download:
            return sound(kind, root, train, download)
        asked.append(train)
        if len(asked) == 2:
            write_svhn(small, monkeypatch)

    monkeypatch.setattr(published, "read", read)
    assert [len(half.data) for half in published.SVHN.halves()] == [103, 50] and asked == [True, False]


def test_counts_are_those_of_whole_data_sets():
    """Of Table 2 of Paganini & Forde 2020, its misprint of CIFAR's 50,000 aside, and of EMNIST's balanced split."""
    assert {
        **dict.fromkeys(("MNIST", "FASHION_MNIST", "KMNIST"), (60_000, 10_000)),
        **dict.fromkeys(("CIFAR10", "CIFAR100"), (50_000, 10_000)),
        "SVHN": (73_257, 26_032),
        "EMNIST": (47 * 2_400, 47 * 400),
    } == WHOLE
