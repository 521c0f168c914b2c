"""Small convolutional networks at once: chunks change no bits, and what is small enough is chosen by one image."""

import pytest
import torch
from torch import nn

from lottery.models import convolutional
from lottery.models.architectures import Architecture
from lottery.models.convolutional import Convolutional
from lottery.models.cost import training_cost
from lottery.models.evaluation import evaluate
from lottery.models.model import model_of
from lottery.models.modules import Modules
from tests.small_networks import SMALL_NETWORKS
from tests.test_model_contract import setup


@pytest.mark.parametrize("name", ["convolutional", "pairs"])
def test_chunks_change_no_bits(name, monkeypatch):
    """One by one, three at a time with one left over, or all at once: the same gradient, outputs and losses."""
    _, parameters, buffers, inputs, observed = setup(name, range(7))
    found, of_one = [], Convolutional(SMALL_NETWORKS[name].layout).cost(inputs.shape[1]).activations // 4
    for at_once in (1, 3, 100):
        monkeypatch.setattr(convolutional, "CACHE", at_once * of_one)
        model, gradient = Convolutional(SMALL_NETWORKS[name].layout), torch.zeros_like(parameters)
        assert model._at_once(inputs) == min(7, at_once)
        model.set_gradient(parameters, buffers, inputs, observed, "cross-entropy", (), gradient)
        found.append((gradient, *evaluate(model, parameters, buffers, inputs, observed)))
    for other in found[1:]:
        assert all(map(torch.equal, found[0], other))


@pytest.mark.parametrize("name", ["convolutional", "pairs"])
def test_the_model_for_any_module_has_the_same_gradient(name):
    """In float32 to rounding: patches and products, or torch's own convolutions."""
    model, parameters, buffers, inputs, observed = setup(name, range(3))
    gradients = [torch.zeros_like(parameters) for _ in range(2)]
    for one, gradient in zip((model, Modules(SMALL_NETWORKS[name].layout)), gradients):
        one.set_gradient(parameters, buffers, inputs, observed, "cross-entropy", (), gradient)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def lenet(channels=(1, 6, 16)):
    """Return the convolutional Lenet of Paganini & Forde, or one with other channels."""
    first, second, third = channels
    return nn.Sequential(
        *(nn.Conv2d(first, second, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(second, third, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(25 * third, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


def test_the_cost_of_one_image_decides():
    """Lenet-conv is small, the same with four times the channels is not, whatever the batch."""
    small, large = (
        Architecture(name, lambda channels=channels: lenet(channels), image=(1, 28, 28))
        for name, channels in (("small", (1, 6, 16)), ("large", (1, 24, 64)))
    )
    assert training_cost(small, 1).operations < convolutional.LARGEST < training_cost(large, 1).operations
    assert [type(model_of(one)) for one in (small, large)] == [Convolutional, Modules]
    assert sum(weight.numel() for weight in lenet().parameters()) == 60_074
