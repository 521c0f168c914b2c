"""Folders of images as data sets: pixels, labels, what is kept of them, and a message for each thing that is wrong."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from lottery.core.errors import LotteryError
from lottery.core.paths import data_folder
from lottery.core.rng import stream
from lottery.data import catalogue, image_folders
from lottery.data.grey import in_grey
from lottery.data.image_folders import image_folder

COUNTS = {"train": 4, "test": 2}  # images a class
CLASSES = ("ape", "bee", "cat")
ASKED = {"images": (12, 6), "validation": 5}


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Eighteen images of 6x5 pixels in three classes, JPEGs and a PNG, in a data folder; and an empty cache."""
    monkeypatch.setenv("LOTTERY_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    generator = np.random.default_rng(0)
    for half, count in COUNTS.items():
        for name in CLASSES:
            (tmp_path / "some" / half / name).mkdir(parents=True)
            for number in range(count):
                kind = "png" if (half, name, number) == ("train", "bee", 0) else "jpg"
                pixels = generator.integers(0, 256, (6, 5, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / "some" / half / name / f"{number:02}.{kind}")
    return tmp_path / "some"


def expected(folder, half):
    """Return images (N, 3, 6, 5) and labels as somebody who knows nothing of torchvision reads them."""
    files = [(file, label) for label, name in enumerate(CLASSES) for file in sorted((folder / half / name).iterdir())]
    images = [np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1) for file, _ in files]
    return np.stack(images), [label for _, label in files]


def test_pixels_and_labels_are_those_of_the_files(folder):
    """In the order of classes and names, split by a stream of the folder's name."""
    parts = image_folder("some", **ASKED)
    images, labels = expected(folder, "test")
    assert np.array_equal(parts["test"][0], images) and parts["test"][1].tolist() == labels
    images, labels = expected(folder, "train")
    order = torch.randperm(12, generator=stream(0, "split", "some")).tolist()
    for part, chosen in (("validation", order[:5]), ("train", order[5:])):
        assert np.array_equal(parts[part][0], images[chosen])
        assert parts[part][1].tolist() == [labels[place] for place in chosen]


def same(one, other):
    return all(np.array_equal(a, b) for part in one for a, b in zip(one[part], other[part]))


class TestKept:
    def test_pixels_are_decoded_once(self, folder, monkeypatch):
        """A second reading decodes nothing; what was kept is all that is left in the cache."""
        before = image_folder("some", **ASKED)
        monkeypatch.setattr(image_folders, "_image", None)
        assert same(before, image_folder("some", **ASKED))
        assert len(list((folder.parent / "cache" / "lottery" / "pixels").glob("*.npz*"))) == 1

    @pytest.mark.parametrize("change", ["pixels", "name", "class"])
    def test_another_file_is_another_name(self, folder, change):
        """Edited under its old date, renamed, or put into another class: what was kept is not used."""
        before, file = image_folder("some", **ASKED), folder / "train" / "bee" / "00.png"
        if change == "pixels":
            times = file.stat().st_atime_ns, file.stat().st_mtime_ns
            Image.open(file).transpose(Image.Transpose.ROTATE_180).save(file)
            os.utime(file, ns=times)
        elif change == "name":
            file.rename(file.with_name("99.png"))
        else:
            (folder / "train" / "cat" / "00.jpg").rename(folder / "train" / "ape" / "77.jpg")
        after = image_folder("some", **ASKED)
        assert not same(before, after)
        assert len(list((folder.parent / "cache" / "lottery" / "pixels").glob("*.npz"))) == 2

    @pytest.mark.parametrize(
        "damage", [lambda content: content[:-50], lambda content: content[:400] + b"?" + content[401:]]
    )
    def test_damage_is_noticed(self, folder, damage):
        """A file that is cut short, or in which a byte has changed, is made anew."""
        before = image_folder("some", **ASKED)
        (kept,) = (folder.parent / "cache" / "lottery" / "pixels").glob("*.npz")
        sound = kept.read_bytes()
        kept.write_bytes(damage(sound))
        assert same(before, image_folder("some", **ASKED))
        assert kept.stat().st_size == len(sound)

    def test_without_a_cache_it_works_all_the_same(self, folder, monkeypatch):
        """Where no folder can be made."""
        before = image_folder("some", **ASKED)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "train" / "bee" / "00.png"))
        assert same(before, image_folder("some", **ASKED))


class TestMessages:
    """Each names the place and says what to do."""

    def test_missing(self, folder):
        """No such folder, or no such half of it."""
        with pytest.raises(
            LotteryError, match="no images in .*other, which.*\n.*set LOTTERY_DATA to a folder that holds"
        ):
            image_folder("other", **ASKED)
        (folder / "test").rename(folder / "tests")
        with pytest.raises(LotteryError, match="no images in .*some, which should hold train/<class>"):
            image_folder("some", **ASKED)

    def test_incomplete(self, folder):
        """An archive that was not unpacked to its end."""
        (folder / "train" / "cat" / "03.jpg").unlink()
        with pytest.raises(LotteryError, match=r"some has 11 \+ 6 images instead of 12 \+ 6; unpack it again"):
            image_folder("some", **ASKED)

    def test_damaged(self, folder):
        """The file is named."""
        (folder / "test" / "ape" / "01.jpg").write_bytes(b"no image")
        with pytest.raises(LotteryError, match=r"image .*test/ape/01.jpg cannot be read .*; put an intact one there"):
            image_folder("some", **ASKED)

    def test_of_another_size(self, folder):
        """Both files are named."""
        Image.new("RGB", (5, 5)).save(folder / "test" / "bee" / "00.jpg")
        with pytest.raises(LotteryError, match=r"test/bee/00.jpg is not of the same size as .*train/ape/00.jpg"):
            image_folder("some", **ASKED)

    def test_of_other_classes(self, folder):
        """Numbers would mean other classes in either half."""
        (folder / "test" / "cat").rename(folder / "test" / "ant")
        with pytest.raises(LotteryError, match="same classes in train and in test; they differ in ant, cat"):
            image_folder("some", **ASKED)


def test_jpegs_in_grey_hold_out_a_fifth(monkeypatch):
    """Of the images that those in colour are made of."""
    images = np.random.default_rng(0).integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
    asked = {}

    def small(name, **counts):
        asked.update(counts, name=name)
        return {"train": (images, np.arange(12))}

    monkeypatch.setattr(image_folders, "image_folder", small)
    found, _ = image_folders.cifar10_jpeg_grey()["train"]
    assert np.array_equal(found, in_grey({"train": (images, np.arange(12))})["train"][0])
    assert asked == {"name": "cifar10-images", "images": (50_000, 10_000), "validation": 10_000}


def test_real_jpegs_of_cifar10():
    """Five thousand and a thousand of each class; means and deviations of the channels near the published ones."""
    if not (data_folder() / "cifar10-images").exists():
        pytest.skip(f"cifar10-images is not in {data_folder()}; set LOTTERY_DATA to a folder that holds it")
    data = catalogue.load("cifar10-jpeg")
    labels = torch.cat([data.train.labels, data.validation.labels])
    assert labels.bincount().tolist() == [5_000] * 10 and data.test.labels.bincount().tolist() == [1_000] * 10
    for part in (data.train, data.test):
        assert part.images.mean((0, 2, 3)).tolist() == pytest.approx([0.4914, 0.4822, 0.4465], abs=0.006)
        assert part.images.std((0, 2, 3)).tolist() == pytest.approx([0.2470, 0.2435, 0.2616], abs=0.006)
    assert data.validation.labels.bincount().min() > 400
