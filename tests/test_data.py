"""Data: splits, fingerprints, and one message when they cannot be had."""

import hashlib
import pickle
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10
from torchvision.transforms.functional import to_tensor

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data import catalogue, datasets, published
from lottery.data import digits as digits_file
from lottery.experiments.network_data import data_of
from lottery.models.architectures import network
from lottery.training.config import Config, Setting

CONFIG = Config("adam", 1e-3, 20, 100, 20)


@pytest.fixture(autouse=True)
def fresh():
    """Forget what other tests have loaded from other folders, and let no later one find what these have."""
    catalogue.forget()
    yield
    catalogue.forget()


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
    catalogue.forget()
    assert catalogue.load("digits").fingerprint == catalogue.fingerprint("digits") == digits.fingerprint

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
        catalogue.forget()
        assert catalogue.load("digits").fingerprint != digits.fingerprint


@pytest.mark.parametrize("name, folder", [("mnist", "MNIST/raw"), ("cifar10", "cifar-10-batches-py")])
def test_missing_files_are_one_message(monkeypatch, tmp_path, name, folder):
    """It names the folder, what was tried, and both ways out."""
    monkeypatch.setenv("LOTTERY_DATA", str(tmp_path / "nowhere"))

    def refuse(kind, root, train, download):
        raise RuntimeError("Dataset not found." if not download else "Error downloading the files")

    monkeypatch.setattr(published, "read", refuse)
    with pytest.raises(LotteryError) as caught:
        catalogue.load(name)
    message = str(caught.value)
    for part in (
        str(tmp_path / "nowhere" / folder),
        "through torchvision failed: Error downloading the files",
        f"Either run again with a connection, or set LOTTERY_DATA to a folder that holds {folder}",
    ):
        assert part in message


def test_files_are_downloaded_by_one_worker_at_a_time(monkeypatch, tmp_path):
    """Whoever finds them missing waits for the download in progress, and then reads what is there."""
    monkeypatch.setenv("LOTTERY_DATA", str(tmp_path))
    there, downloads, at_once = threading.Event(), [], threading.Semaphore(1)

    def read(kind, root, train, download):
        if download:
            assert at_once.acquire(blocking=False), "two downloads at a time"
            time.sleep(0.05)
            if not there.is_set():  # torchvision downloads nothing that is sound
                downloads.append(kind)
            there.set()
            at_once.release()
        if not there.is_set():
            raise RuntimeError("Dataset not found.")
        zeros = [0] * (60_000 if train else 10_000)
        return type("Half", (), {"data": zeros, "targets": zeros})

    monkeypatch.setattr(published, "read", read)
    found = []
    workers = [threading.Thread(target=lambda: found.append(published.MNIST.halves())) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 4 and downloads == ["MNIST"]


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


def code(number):
    """Return an image (3, 32, 32) that its number can be read off, and in which rows, columns and colours differ."""
    image = np.zeros((3, 32, 32), np.uint8)
    image[:, 0, 0] = number >> 16, number >> 8 & 255, number & 255
    image[0, 1, 0], image[1, 0, 1], image[2, 31, 0] = 100, 150, 200
    return image


def small_cifar(folder, monkeypatch):
    """Write 60,000 images into a folder as CIFAR-10 is published, and have torchvision take them for it."""
    place = folder / CIFAR10.base_folder
    place.mkdir(parents=True)
    sums = {}
    for number, name in enumerate([*(f"data_batch_{batch}" for batch in range(1, 6)), "test_batch"]):
        images = np.stack([code(10_000 * number + place) for place in range(10_000)])
        content = pickle.dumps({"data": images.reshape(10_000, -1), "labels": [place % 10 for place in range(10_000)]})
        (place / name).write_bytes(content)
        sums[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    meta = pickle.dumps({"label_names": [f"class {number}" for number in range(10)]})
    (place / "batches.meta").write_bytes(meta)
    lists = {"train_list": list(sums.items())[:5], "test_list": list(sums.items())[5:]}
    told = CIFAR10.meta | {"md5": hashlib.md5(meta, usedforsecurity=False).hexdigest()}
    for name, value in (lists | {"meta": told}).items():
        monkeypatch.setattr(CIFAR10, name, value)
    monkeypatch.setenv("LOTTERY_DATA", str(folder))
    return place


def numbers(part):
    """Return the numbers of a part's images."""
    return (part.images[:, :, 0, 0] * 255).round().long() @ torch.tensor([1 << 16, 1 << 8, 1])


def test_cifar10_goes_through_torchvision(monkeypatch, tmp_path):
    """Split once for all seeds by a stream of its own, every image in one part, pixels and label as torchvision's."""
    small_cifar(tmp_path, monkeypatch)
    loaded = catalogue.load("cifar10")
    assert datasets.sizes(loaded) == (45_000, 5_000, 10_000) and loaded.train.images.shape[1:] == (3, 32, 32)
    order = torch.randperm(50_000, generator=stream(0, "split", "cifar10"))
    assert torch.equal(numbers(loaded.validation), order[:5_000]) and torch.equal(numbers(loaded.train), order[5_000:])
    assert torch.equal(numbers(loaded.test), torch.arange(50_000, 60_000))
    theirs = CIFAR10(tmp_path)
    for place in (0, 1, 44_999):
        image, label = theirs[int(order[5_000 + place])]
        assert torch.equal(loaded.train.images[place], to_tensor(image)) and loaded.train.labels[place] == label


def test_damaged_cifar10_is_one_message(monkeypatch, tmp_path):
    """A file whose checksum is wrong is no reason to download over it."""
    batch = small_cifar(tmp_path, monkeypatch) / "data_batch_3"
    content = batch.read_bytes()
    batch.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(LotteryError, match=r"the CIFAR-10 files in .*cifar-10-batches-py cannot be read"):
        catalogue.load("cifar10")


class TestShapes:
    def test_digits_are_views_in_the_shape_of_the_network(self):
        """Rows become rows: the pixels of scikit-learn's own images, without a copy; the fingerprint is the same."""
        flat = data_of(Setting("lenet-96-48", "digits", CONFIG))
        images = data_of(Setting("conv-2-miniature", "digits", CONFIG))
        assert flat.train.images.shape == (400, 64) and images.train.images.shape == (400, 1, 8, 8)
        assert images.train.images.data_ptr() == flat.train.images.data_ptr()
        assert images.fingerprint == flat.fingerprint and torch.equal(images.train.labels, flat.train.labels)
        from sklearn.datasets import load_digits

        there = {tuple(image.flatten()) for image in load_digits().images / 16}
        assert all(tuple(image[0].double().flatten().tolist()) in there for image in images.test.images[:50])
        assert images.test.images[7, 0, 2, 5] == flat.test.images[7, 2 * 8 + 5]

    def test_digits_are_read_as_scikit_learn_reads_them_without_importing_it(self):
        """Pixel by pixel and label by label, wherever scikit-learn keeps its file."""
        script = "import sys; from lottery.data.digits import rows; rows(); print('sklearn' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        assert (digits_file.rows()[:, :-1] == images).all() and (digits_file.rows()[:, -1] == labels).all()

    def test_digits_that_lie_elsewhere_are_asked_of_scikit_learn(self, monkeypatch):
        """A later version may move its file."""
        here = digits_file.rows()
        monkeypatch.setattr(digits_file, "find_spec", lambda name: None)
        assert (digits_file.rows() == here).all()

    def test_mnist_takes_lenets_shape(self, monkeypatch, tmp_path):
        """28 rows of 28."""
        small_mnist(tmp_path)
        monkeypatch.setenv("LOTTERY_DATA", str(tmp_path))
        images = data_of(Setting("lenet-conv", "mnist", CONFIG)).test.images
        assert images.shape == (10_000, 1, 28, 28) and images[0, 0, 3, 4] == pytest.approx((3 * 28 + 4) / 255)

    @pytest.mark.parametrize("name", ["conv-2", "lenet-300-100"])
    def test_other_sizes_are_refused_by_name(self, name):
        """Both the network's and the data's, in numbers and in shapes."""
        takes = {"conv-2": "3x32x32 = 3,072", "lenet-300-100": "784 = 784"}[name]
        with pytest.raises(LotteryError, match=f"{name} takes {takes} values per image, digits has 64 = 64"):
            data_of(Setting(name, "digits", CONFIG))

    def test_noise_has_any_shape(self):
        """And the same pixels in all of them."""
        flat, images = (
            catalogue.noise(shape, 10, (20, 5, 5)) for shape in ((64,), network("conv-2-miniature").input_shape)
        )
        assert torch.equal(flat.train.images, images.train.images.flatten(1)) and images.test.images.shape == (
            5,
            1,
            8,
            8,
        )


def test_unknown_data_set_is_named():
    """The message says which data sets there are."""
    with pytest.raises(LotteryError, match="no data set 'cifar'.*are digits, .*, mnist, .*, cifar10, .*, relu, circle"):
        catalogue.load("cifar")


def test_real_mnist(real_mnist):
    """The real images have the published counts of digits."""
    assert torch.bincount(real_mnist.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert real_mnist.test.images.mean() == pytest.approx(0.1325, abs=0.0005)
