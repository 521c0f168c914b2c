"""What the tests share: one thread, and small things to train on."""

import dataclasses

import pytest
import torch

from lottery.core.paths import data_folder
from lottery.data.catalogue import load
from lottery.data.datasets import Dataset, Part
from lottery.experiments.all_parts import parents
from lottery.experiments.experiment import Experiment
from lottery.experiments.parts import Prepared, part_of
from lottery.experiments.scales import SCALES
from lottery.models.architectures import network
from lottery.models.initialisers import initial_weights
from lottery.models.layout import Layout
from lottery.store.store import Record
from lottery.training.config import Setting
from lottery.training.fit import Replica
from tests.small_networks import IMAGE

torch.set_num_threads(1)

SMALL = "lenet-96-48"


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The digits that are in the package."""
    return load("digits")


@pytest.fixture(scope="session")
def precise_digits(digits) -> Dataset:
    """The digits in float64."""
    parts = {
        name: Part(getattr(digits, name).images.double(), getattr(digits, name).labels)
        for name in ("train", "validation", "test")
    }
    return dataclasses.replace(digits, **parts)


@pytest.fixture
def real_mnist() -> Dataset:
    """The real MNIST, where LOTTERY_DATA or the user's cache has it; it is not downloaded for a test."""
    if not (data_folder() / "MNIST" / "raw" / "train-images-idx3-ubyte").exists():
        pytest.skip(f"MNIST is not in {data_folder()}; set LOTTERY_DATA to a folder that holds MNIST/raw")
    return load("mnist")


@pytest.fixture(scope="session")
def random_images() -> Dataset:
    """Images of MNIST's size without meaning, for laws about LeNet-300-100 that hold on any pixels."""
    generator = torch.Generator().manual_seed(1)

    def part(count: int) -> Part:
        return Part(torch.rand(count, 784, generator=generator), torch.randint(0, 10, (count,), generator=generator))

    return Dataset("random", part(240), part(120), part(120), "random")


@pytest.fixture(scope="session")
def noise() -> Dataset:
    """Images of noise that tell their class by their brightness, in float64, for the tests' small networks."""
    generator = torch.Generator().manual_seed(5)

    def part(count: int) -> Part:
        labels = torch.randint(0, 4, (count,), generator=generator)
        pixels = torch.randn(count, *IMAGE, generator=generator, dtype=torch.float64)
        return Part(pixels + labels.view(-1, 1, 1, 1) / 4, labels)

    return Dataset("noise", part(50), part(30), part(30), "noise")


def shortened(name: str, training: str = "planted", epoch: int = 12, epochs: int = 2) -> Setting:
    """Return how a network with a planted ticket is trained, in fewer and shorter epochs than the paper's."""
    setting = SCALES["tiny"].settings[name][training]
    return dataclasses.replace(
        setting, config=dataclasses.replace(setting.config, iterations=epochs * epoch, interval=epoch)
    )


@pytest.fixture
def brief():
    """Settings of searches for planted tickets with epochs of twelve steps, two of them at the end."""
    return shortened


@pytest.fixture
def load_own(tmp_path):
    """A function that loads a criterion from sources and returns a key of its results; it is forgotten afterwards."""
    from tests.own_criteria_helpers import loading

    yield from loading(tmp_path)


@pytest.fixture
def load_source(tmp_path):
    """A function that loads what is a user's own from source, by the module that registers it; forgotten afterwards."""
    loaded = {}  # in this order

    def load(module, source, name, function):
        (tmp_path / f"{name}.py").write_text(source)
        module.forget(name)
        loaded[module, name] = True
        return module.load(f"{name}={tmp_path / f'{name}.py'}:{function}")

    yield load
    for module, name in loaded:
        module.forget(name)


def begin(one: Experiment, *records: Record) -> Prepared:
    """Return the mask and the start of an experiment from the records of its parents, in their order."""
    sources = dict(zip(parents(one), records, strict=True))
    cut = part_of(one.arm.mask)(one).cut(sources)
    return Prepared(cut, part_of(one.arm.start)(one).begin(cut, sources))


def replica(name: str, seed: int, masks=None, start=None, dtype=torch.float32) -> Replica:
    """Return a replica of a network: by default dense, from its initial weights, in its own data order."""
    layout = Layout(network(name))
    weights = initial_weights(network(name), seed) if start is None else start
    return Replica(layout.join(weights).to(dtype), layout.trainable(masks), (seed, "data order", 0))


def random_masks(name: str, seed: int, share: float = 0.4) -> list[torch.Tensor]:
    """Return masks that keep a random share of every layer."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(layer.shape, generator=generator) < share for layer in network(name).layers]
