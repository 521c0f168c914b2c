"""Networks read off their modules: layers, counts, initial weights, and what a step costs."""

import subprocess
import sys

import pytest
import torch
from scipy import stats
from torch import nn
from torchvision import models

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.models.architectures import ARCHITECTURES, network
from lottery.models.cost import Cost, training_cost
from lottery.models.initialisers import INITIALISERS, initial_weights
from lottery.models.layers import CONVOLUTION, HIDDEN, OUTPUT, SHORTCUT, Layer


def test_layers_are_read_off_the_module():
    """Names that random streams are named by, shapes, and roles."""
    assert [(layer.name, layer.shape, layer.role) for layer in network("lenet-300-100").layers] == [
        ("dense1", (784, 300), HIDDEN),
        ("dense2", (300, 100), HIDDEN),
        ("dense3", (100, 10), OUTPUT),
    ]
    assert [(layer.name, layer.shape, layer.role) for layer in network("conv-2").layers] == [
        ("convolution1", (64, 3, 3, 3), CONVOLUTION),
        ("convolution2", (64, 64, 3, 3), CONVOLUTION),
        ("dense1", (16_384, 256), HIDDEN),
        ("dense2", (256, 256), HIDDEN),
        ("dense3", (256, 10), OUTPUT),
    ]
    roles = [layer.role for layer in network("resnet-18").layers]
    assert (roles.count(CONVOLUTION), roles.count(SHORTCUT), roles[-1]) == (19, 2, OUTPUT)
    assert {"convolution1", "convolution19", "shortcut1", "shortcut2", "dense1"} <= {
        layer.name for layer in network("resnet-18").layers
    }


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_modules_take_their_inputs(name):
    """Every network makes one row of outputs of one input of its shape; torchvision's do so without values."""
    architecture, device = network(name), "meta" if "-224" in name else "cpu"
    module = architecture.module if device == "meta" else architecture.build().eval()
    outputs = module(torch.zeros(2, *architecture.input_shape, device=device))
    assert outputs.shape == (2, architecture.layers[-1].fan_out)


def test_global_counts_cut_all_layers_together():
    """Resnet's 267,696 prunable weights lose a fifth a round, with the floor; rates that differ forbid one ranking."""
    assert [network("resnet-18").kept_in_all(round) for round in range(3)] == [267_696, 214_157, 171_326]
    assert network("vgg-19").kept_in_all(0) == 20_024_000 - 5_120
    with pytest.raises(LotteryError, match="2 rates"):
        network("lenet-300-100").kept_in_all(1)
    with pytest.raises(LotteryError, match="ranked as a whole"):
        network("resnet-18").kept(1)


def test_describing_needs_no_torch():
    """Networks can be named, and their recipes read, before torch is imported."""
    code = "import sys, lottery.training.config, lottery.models.architectures as a; assert a.network('conv-2').task"
    subprocess.run([sys.executable, "-c", f"{code} and 'torch' not in sys.modules"], check=True)


def test_cost_by_hand():
    """Three products a layer, two for the first; what goes into layers is kept, and the outputs."""
    for name, batch in (("lenet-300-100", 60), ("planted-circle-5", 32)):
        weights = [layer.weights for layer in network(name).layers]
        assert training_cost(network(name), batch).operations == 2 * batch * (3 * sum(weights) - weights[0])
    assert training_cost(network("lenet-300-100"), 60).activations == 4 * 60 * (784 + 300 + 100 + 10)
    first, second = 32 * 32 * 64 * 27, 32 * 32 * 64 * 64 * 9
    dense = 16_384 * 256 + 256 * 256 + 256 * 10
    kept = 3 * 1024 + 64 * 1024 + 16_384 + 256 + 256 + 10
    assert training_cost(network("conv-2"), 5) == Cost(5 * 2 * (2 * first + 3 * (second + dense)), 5 * 4 * kept)


@pytest.mark.parametrize(("name", "fans"), [("glorot_normal", 64 * 9 + 128 * 9), ("he_normal", 64 * 9)])
def test_initialisers_draw_normal_numbers_by_their_fans(name, fans):
    """A convolution's fans count its window; deviation, tails and kurtosis are those of a normal distribution."""
    layer = Layer("convolution1", (128, 64, 3, 3), CONVOLUTION, "0")
    assert (layer.fan_in, layer.fan_out) == (64 * 9, 128 * 9)
    drawn = INITIALISERS.find(name)(layer=layer, generator=stream(0, "init", "convolution1"))
    scaled = drawn.double() / (2 / fans) ** 0.5
    assert drawn.shape == layer.shape and abs(scaled.mean().item()) < 5 / drawn.numel() ** 0.5
    assert scaled.std().item() == pytest.approx(1, abs=5 / (2 * drawn.numel()) ** 0.5)
    assert scaled.pow(4).mean().item() == pytest.approx(3, abs=5 * (96 / drawn.numel()) ** 0.5)
    assert (scaled.abs() > 2).double().mean().item() == pytest.approx(0.0455, abs=0.005)  # no truncation


def test_truncated_draws_have_the_distribution_of_scipy():
    """Kolmogorov and Smirnov's test against scipy's truncated normal; nothing lies beyond two nominal deviations."""
    layer = network("lenet-300-100").layers[1]
    deviation = (2 / (300 + 100)) ** 0.5
    drawn = INITIALISERS.find("truncated_glorot_normal")(layer=layer, generator=stream(0, "init", layer.name))
    scaled = drawn.double().flatten().numpy() / deviation
    assert abs(scaled).max() <= 2 + 1e-6 and abs(scaled).max() > 1.99
    assert stats.kstest(scaled, stats.truncnorm(-2, 2).cdf).pvalue > 0.001
    assert stats.kstest(scaled, stats.norm.cdf).pvalue < 1e-6  # the case is large enough to tell the two apart


def test_torchs_own_draw_is_uniform_within_the_same_bound():
    """Kolmogorov and Smirnov's test against scipy's uniform distribution and against what torch's layers draw."""
    for layer, part in zip(network("lenet-conv").layers[1:3], (nn.Conv2d(6, 16, 3), nn.Linear(400, 120)), strict=True):
        drawn = INITIALISERS.find("torch_uniform")(layer=layer, generator=stream(0, "init", layer.name)).flatten()
        bound = 1 / layer.fan_in**0.5
        assert abs(drawn).max() <= bound and abs(drawn).max() > 0.99 * bound
        assert stats.kstest(drawn.numpy(), stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.001
        assert stats.ks_2samp(drawn.numpy(), part.weight.detach().flatten().numpy()).pvalue > 0.001


@pytest.mark.parametrize("kind, layers", [("vgg", ("1.features.3", "1.classifier.6")), ("resnet", ("1.conv1", "1.fc"))])
def test_torchvisions_draws_are_those_of_its_networks(kind, layers):
    """Kolmogorov and Smirnov's test against a convolution and a dense layer of torchvision's own network."""
    name = {"vgg": "vgg11", "resnet": "resnet18"}[kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = getattr(models, name)(num_classes=10)
    for layer in (layer for layer in network(f"{name}-224").layers if layer.path in layers):
        drawn = INITIALISERS.find(f"torchvision_{kind}")(layer=layer, generator=stream(0, "init", layer.name))
        expected = theirs.get_submodule(layer.path.removeprefix("1.")).weight.detach()
        assert drawn.numel() == expected.numel()
        assert stats.ks_2samp(drawn.flatten().numpy(), expected.flatten().numpy()).pvalue > 0.001


def test_initial_weights_are_those_of_the_papers_draw():
    """Both papers' networks start from the truncated draw, the miniature from the whole, each layer from its stream."""
    for name, kind in (
        ("lenet-300-100", "truncated_"),
        ("lenet-96-48", ""),
        ("conv-2", "truncated_"),
        ("conv-2-quarter", "truncated_"),
    ):
        for layer, weights in zip(network(name).layers, initial_weights(network(name), 3), strict=True):
            drawn = INITIALISERS.find(f"{kind}glorot_normal")(layer=layer, generator=stream(3, "init", layer.name))
            assert torch.equal(weights, drawn)
