"""Preprocessing: against formulas of its own, with statistics of the training images alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.transforms.functional import normalize

from lottery.core.errors import LotteryError
from lottery.data import catalogue
from lottery.data.preprocessing import PREPROCESSINGS
from lottery.experiments.arms import DENSE
from lottery.experiments.experiment import experiment
from lottery.experiments.keys import key
from lottery.experiments.measurements import COLUMNS, MEASURED, recipe
from lottery.experiments.network_data import data_of
from lottery.training.config import Config, Setting

SETTING = Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, 60, 20))


def images(seed, count=300, shape=(3, 6, 5)):
    """Return bytes whose channels differ in mean and deviation."""
    drawn = np.random.default_rng(seed).normal(size=(count, *shape))
    scale = np.array([20, 40, 60]).reshape(-1, 1, 1)[: shape[0]] if len(shape) > 1 else 30
    return np.clip(scale * drawn + 2 * scale, 0, 255).astype(np.uint8)


@pytest.fixture
def loaded(monkeypatch):
    """A function that loads images of these bytes, preprocessed."""

    def load(preprocessing, train, test):
        arrays = {part: (of, np.arange(len(of)) % 10) for part, of in (("train", train), ("test", test))}
        monkeypatch.setitem(catalogue.DATASETS, "some", lambda: arrays | {"validation": arrays["test"]})
        catalogue.forget()
        return catalogue.load("some", preprocessing=preprocessing)

    yield load
    catalogue.forget()


def test_unit_is_bytes_over_255(loaded):
    """To the bit, as torch divides them."""
    train = images(0)
    assert torch.equal(loaded("unit", train, images(1)).train.images, torch.from_numpy(train).float() / 255)


def test_standard_is_torchvisions_normalize(loaded):
    """By mean and deviation of each channel of the training images, which then have mean zero and deviation one."""
    train, test = images(0), images(1)
    data, unit = loaded("standard", train, test), torch.from_numpy(test).float() / 255
    pixels = torch.from_numpy(train).double() / 255
    mean, deviation = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3), correction=0)
    torch.testing.assert_close(data.test.images, normalize(unit, mean.tolist(), deviation.tolist()), rtol=0, atol=2e-6)
    trained = data.train.images.double()
    torch.testing.assert_close(trained.mean((0, 2, 3)), torch.zeros(3).double(), rtol=0, atol=1e-6)
    torch.testing.assert_close(trained.std((0, 2, 3), correction=0), torch.ones(3).double(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("preprocessing", PREPROCESSINGS)
def test_nothing_is_estimated_on_held_out_images(loaded, preprocessing):
    """Other test images change nothing about the training images, and neither do they about each other."""
    one = loaded(preprocessing, images(0), images(1)).train.images
    other = loaded(preprocessing, images(0), images(2, count=40) // 2)
    assert torch.equal(one, other.train.images)
    some = loaded(preprocessing, images(0), (images(2, count=40) // 2)[5:6]).test.images
    assert torch.equal(other.test.images[5:6], some)


def test_per_image_is_tensorflows_formula(loaded):
    """Image by image, (x - mean) / max(deviation, 1 / sqrt(values)); an even image becomes zero."""
    test = images(1, count=1_203)  # more than are done at once
    test[3] = 77
    test[4] = 77
    test[4, 0, 0, 0] = 78  # its deviation is below the floor
    for image, found in zip(test.astype(np.float64) / 255, loaded("per image", images(0), test).test.images):
        expected = (image - image.mean()) / max(image.std(), 1 / image.size**0.5)
        np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-5)
    assert not loaded("per image", images(0), test[3:4]).test.images.abs().max() > 1e-6


def test_vectors_are_images_of_one_channel(loaded):
    """Digits and MNIST have one mean for all of their pixels."""
    train = images(0, shape=(30,))
    pixels = torch.from_numpy(train).double() / 255
    expected = (pixels - pixels.mean()) / pixels.std(correction=0)
    torch.testing.assert_close(loaded("standard", train, train).train.images, expected.float(), rtol=0, atol=2e-6)


def test_a_channel_without_deviation_is_refused(loaded):
    """Instead of images without numbers."""
    train = images(0)
    train[:, 1] = 9
    with pytest.raises(LotteryError, match="one value in all training images"):
        loaded("standard", train, train)


class TestSettings:
    def test_a_preprocessing_is_another_experiment_on_the_same_data(self):
        """Keys and files tell them apart, the fingerprint is of what was read; the usual one is named nowhere."""
        settings = [replace(SETTING, preprocessing=name) for name in PREPROCESSINGS]
        assert settings[0] == SETTING
        data = [data_of(setting) for setting in settings]
        assert len({one.fingerprint for one in data}) == 1 and len({float(one.train.images.sum()) for one in data}) == 3
        found = [experiment(setting, DENSE, 0, 0) for setting in settings]
        assert len({key(one, data[0].fingerprint, "float32") for one in found}) == 3
        names = [recipe(one)[COLUMNS.index("dataset") - len(MEASURED)] for one in found]
        assert names == ["digits", "digits, standard", "digits, per image"]

    @pytest.mark.parametrize("dataset, name", [("digits", "whitened"), ("circle", "standard")])
    def test_what_makes_no_sense_is_refused(self, dataset, name):
        """Another name, and made tasks, which have no images."""
        with pytest.raises(ValueError, match=name if dataset == "digits" else "no images"):
            replace(SETTING, dataset=dataset, preprocessing=name)
