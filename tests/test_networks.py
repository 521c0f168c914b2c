"""Descriptions: counts, ladders, and what a round removes."""

from fractions import Fraction

import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.models.architectures import ARCHITECTURES, network
from lottery.models.initialisers import initial_weights


def test_weight_counts_layer_by_layer():
    """Counts that were worked out by hand from the papers' figures."""
    assert [layer.weights for layer in network("lenet-300-100").layers] == [235_200, 30_000, 1_000]
    assert {name: network(name).weights for name in ("conv-2", "conv-4", "conv-6", "resnet-18", "vgg-19")} == {
        "conv-2": 4_300_992,
        "conv-4": 2_425_024,
        "conv-6": 2_261_184,
        "resnet-18": 270_896,
        "vgg-19": 20_024_000,
    }


@pytest.mark.parametrize("name", ["conv-2", "conv-4", "conv-6"])
def test_quarter_widths_have_a_quarter_of_all_channels_and_units(name):
    """Only what comes in and goes out stays; the rates are those of the original, and the counts worked out by hand."""
    whole, quarter = network(name), network(f"{name}-quarter")
    for one, other in zip(whole.layers, quarter.layers, strict=True):
        convolution = len(one.shape) > 2
        inputs, outputs = (one.shape[1], one.shape[0]) if convolution else one.shape
        inputs, outputs = inputs // 4 if inputs != 3 else 3, outputs // 4 if outputs != 10 else 10
        assert other.shape == ((outputs, inputs, 3, 3) if convolution else (inputs, outputs))
    assert [whole.rate(layer) for layer in whole.layers] == [quarter.rate(layer) for layer in quarter.layers]
    counts = {"conv-2": 269_616, "conv-4": 152_368, "conv-6": 142_128}
    assert quarter.weights == counts[name] and quarter.input_shape == whole.input_shape == (3, 32, 32)


def test_the_miniature_is_conv_2_for_digits():
    """Two convolutions of eight channels, one pooling, 128-32-32-10; pruned as Conv-2."""
    miniature, whole = network("conv-2-miniature"), network("conv-2")
    shapes = [(8, 1, 3, 3), (8, 8, 3, 3), (128, 32), (32, 32), (32, 10)]
    assert [layer.shape for layer in miniature.layers] == shapes and miniature.input_shape == (1, 8, 8)
    assert [type(part) for part in miniature.module] == [type(part) for part in whole.module]
    assert [miniature.rate(layer) for layer in miniature.layers] == [whole.rate(layer) for layer in whole.layers]


def test_lenet_conv_is_paganini_and_fordes():
    """Weights of the tensors, all parameters, and a fifth of whatever is left a round, by one ranking (their 1.1)."""
    lenet = network("lenet-conv")
    assert [layer.weights for layer in lenet.layers] == [54, 864, 48_000, 10_080, 840]
    assert (lenet.weights, lenet.layout.count, lenet.input_shape) == (59_838, 60_074, (1, 28, 28))
    assert {lenet.rate(layer) for layer in lenet.layers} == {Fraction(1, 5)}


HEADS = {"lenet-conv": 10, "lenet-conv-47": 47, "lenet-conv-100": 100}


@pytest.mark.parametrize("name, classes", HEADS.items())
def test_another_number_of_classes_is_another_last_layer_alone(name, classes):
    """All other layers have the same names, shapes and initial weights of a seed."""
    lenet, other = network("lenet-conv"), network(name)
    assert [layer.name for layer in other.layers] == [layer.name for layer in lenet.layers]
    assert other.layers[-1].shape == (84, classes)
    weights, same = (initial_weights(of, 3) for of in (lenet, other))
    assert all(map(torch.equal, weights[:-1], same[:-1]))


@pytest.mark.parametrize(
    "name, shapes, image",
    [
        ("lenet-conv-wide", [(24, 1, 3, 3), (64, 24, 3, 3), (1600, 480), (480, 336), (336, 10)], (1, 28, 28)),
        ("lenet-conv-miniature", [(6, 1, 3, 3), (16, 6, 3, 3), (64, 40), (40, 28), (28, 10)], (1, 8, 8)),
    ],
)
def test_other_lenets_are_lenets(name, shapes, image):
    """Four times as wide, and for 8x8 digits: the same kinds of layers, rates, start and ranking."""
    lenet, other = network("lenet-conv"), network(name)
    assert [layer.shape for layer in other.layers] == shapes and other.input_shape == image
    assert [type(part) for part in other.module] == [type(part) for part in lenet.module]
    assert [other.rate(layer) for layer in other.layers] == [lenet.rate(layer) for layer in lenet.layers]
    assert (other.scope, other.initialiser, type(other)) == (lenet.scope, lenet.initialiser, type(lenet))


def test_kept_counts_follow_the_floor():
    """Each round removes floor(rate * survivors): 20% of hidden layers, 10% of the output layer."""
    assert network("lenet-300-100").kept(0) == (235_200, 30_000, 1_000)
    assert network("lenet-300-100").kept(1) == (188_160, 24_000, 900)
    assert network("lenet-300-100").kept(3) == (120_423, 15_360, 729)  # 150,528 - floor(30,105.6)


@pytest.mark.parametrize("name", ["lenet-300-100", "lenet-96-48"])
def test_weights_remaining_are_ideal_shares(name):
    """P_m of Frankle & Carbin is a power of what a round leaves, 0.8 and of the output layer 0.9, without floors."""
    sizes = [layer.weights for layer in network(name).layers]
    for round in (1, 4, 12, 24):
        left = (sizes[0] + sizes[1]) * 0.8**round + sizes[2] * 0.9**round
        assert network(name).weights_remaining(round) == pytest.approx(100 * left / sum(sizes), rel=1e-12)
        assert round < 12 or 100 * sum(network(name).kept(round)) / sum(sizes) != pytest.approx(
            100 * left / sum(sizes), rel=1e-6
        )


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if network(name).pruned_per_round])
def test_ladders_fall(name):
    """Every round leaves fewer weights, from 100 per cent on."""
    ladder = [network(name).weights_remaining(round) for round in range(25)]
    assert ladder[0] == 100
    assert all(later < earlier for earlier, later in zip(ladder, ladder[1:]))


def test_exact_counts_stay_near_the_ideal_ladder():
    """Floors cost less than a weight per layer and round."""
    one = network("lenet-300-100")
    for round in range(25):
        assert abs(sum(one.kept(round)) - one.weights_remaining(round) / 100 * one.weights) <= 5 * 3


def test_unknown_network_is_named():
    """The message says which networks there are."""
    with pytest.raises(LotteryError, match="no network 'lenet-5'.*lenet-300-100"):
        network("lenet-5")
