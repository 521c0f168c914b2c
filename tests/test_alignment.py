"""Alignment of units: permuted networks are aligned back, none gets worse, and a permutation changes no function."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import conv2d, linear

from lottery.core.errors import LotteryError
from lottery.masks.alignment import align, permuted

PERCEPTRON = ((7, 4), (6, 7), (5, 6), (3, 5))
CONVOLUTIONS = ((5, 2, 3, 3), (6, 5, 3, 3), (8, 6 * 4), (3, 8))  # images of two by two places are flattened
CHAINS = (PERCEPTRON, CONVOLUTIONS, ((3, 4),))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def network(shapes, seed):
    return [torch.randn(shape, generator=generator(seed + place)) for place, shape in enumerate(shapes)]


def orders(shapes, seed):
    return [torch.randperm(shape[0], generator=generator(seed + place)) for place, shape in enumerate(shapes[:-1])]


def product(first, second):
    return sum((a.double() * b.double()).sum() for a, b in zip(first, second))


def outputs(weights, images):
    """A network without biases over images (B, 2, 2, 2) or inputs (B, 4)."""
    values = images
    for layer, one in enumerate(weights):
        values = conv2d(values, one, padding=1) if one.dim() == 4 else linear(values.flatten(1), one)
        values = values.tanh() if layer + 1 < len(weights) else values
    return values


@pytest.mark.parametrize("shapes", CHAINS)
def test_permuted_networks_compute_the_same(shapes):
    """Units in another order, with what enters and what leaves them, across the flattened image too."""
    weights = network(shapes, 0)
    inputs = torch.randn(9, *((2, 2, 2) if len(shapes[0]) == 4 else (4,)), generator=generator(1))
    moved = permuted(weights, orders(shapes, 2))
    assert torch.allclose(outputs(weights, inputs), outputs(moved, inputs), atol=1e-4)
    assert len(shapes) == 1 or not any(torch.equal(a, b) for a, b in zip(weights, moved))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from(CHAINS))
def test_permuted_networks_are_aligned_back(seed, shapes):
    """Exactly, and their masks with them."""
    weights, there = network(shapes, seed), orders(shapes, seed + 50)
    moved = permuted(weights, there)
    back = align(weights, moved)
    assert all(torch.equal(a, b) for a, b in zip(permuted(moved, back), weights))
    masks = [values > 0 for values in weights]
    assert all(torch.equal(a, b) for a, b in zip(permuted(permuted(masks, there), back), masks))
    assert all(torch.equal(order[one], torch.arange(len(one))) for order, one in zip(there, back))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from(CHAINS))
def test_alignment_never_makes_worse(seed, shapes):
    """The inner product is never smaller than that of the order as it is, and no one layer could do better."""
    first, second = network(shapes, seed), network(shapes, seed + 99)
    found = align(first, second)
    reached = product(first, permuted(second, found))
    assert reached >= product(first, second) - 1e-9
    for layer, order in enumerate(found):
        for i, j in itertools.combinations(range(len(order)), 2):
            other = order.clone()
            other[[i, j]] = order[[j, i]]
            assert product(first, permuted(second, [*found[:layer], other, *found[layer + 1 :]])) <= reached + 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_an_order_that_is_good_is_kept(seed):
    """Inputs that speak for another order, faintly, do not lead away from the one that the large weights have."""
    first = network(((9, 4), (9, 9), (3, 9)), seed)
    faint = [0.01 * values for values in network(((9, 4), (9, 9), (3, 9)), seed + 50)]
    first, second = [faint[0], first[1], faint[2]], [-faint[0], first[1], -faint[2]]
    found = align(first, second)
    assert all(torch.equal(order, torch.arange(9)) for order in found)


def test_one_hidden_layer_is_aligned_at_best():
    """Of all orders of five units, tried one by one."""
    shapes = ((5, 3), (2, 5))
    first, second = network(shapes, 0), network(shapes, 9)
    best = max(product(first, permuted(second, [torch.tensor(order)])) for order in itertools.permutations(range(5)))
    assert product(first, permuted(second, align(first, second))) == pytest.approx(float(best))


@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_noise_is_seen_through(noise):
    """A permuted network in other units' company, its weights moved a little, is found again."""
    shapes = ((40, 30), (40, 40), (10, 40))
    weights, there = network(shapes, 0), orders(shapes, 7)
    moved = [values + noise * torch.randn(values.shape, generator=generator(8)) for values in permuted(weights, there)]
    assert all(torch.equal(order[one], torch.arange(40)) for order, one in zip(there, align(weights, moved)))


def test_dead_units_and_equal_networks_stay():
    """Ties do not go round for ever: zeros, and units that are all alike."""
    zeros = [torch.zeros(shape) for shape in PERCEPTRON]
    same = [torch.ones(shape) for shape in PERCEPTRON]
    for first, second in itertools.product([zeros, same], repeat=2):
        found = align(first, second)
        assert [sorted(order.tolist()) for order in found] == [[*range(shape[0])] for shape in PERCEPTRON[:-1]]


def test_weights_of_a_module_are_taken_as_they_are():
    """Parameters in half precision, which need slopes."""
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).half()
    weights = [module[0].weight, module[2].weight]
    (order,) = align(weights, weights)
    assert order.tolist() == [0, 1, 2, 3] and permuted(weights, [order])[0].dtype == torch.float16


@pytest.mark.parametrize(
    "first, second, message",
    [
        ([(3, 2), (2, 3)], [(4, 2), (2, 4)], r"\[\(3, 2\), \(2, 3\)\] and \[\(4, 2\), \(2, 4\)\] cannot be aligned"),
        ([(3, 2), (2, 4)], [(3, 2), (2, 4)], r"a layer of shape \(2, 4\) does not follow one of 3 units"),
        ([(4, 2, 3, 3), (4, 1, 3, 3)], [(4, 2, 3, 3), (4, 1, 3, 3)], "without groups"),
        ([], [], "there are no weights to align"),
    ],
)
def test_what_cannot_be_aligned_is_one_message(first, second, message):
    """Networks of other shapes, layers that do not follow each other, groups, no layer at all."""
    with pytest.raises(LotteryError, match=message):
        align([torch.ones(shape) for shape in first], [torch.ones(shape) for shape in second])


def test_bad_values_are_one_message():
    """Weights that are not finite, and permutations that are none or of other layers."""
    weights = network(((3, 2), (2, 3)), 0)
    with pytest.raises(LotteryError, match="some are not finite"):
        align(weights, [weights[0], weights[1] / 0])
    for wrong in ([], [torch.tensor([0, 0, 1])], [torch.arange(4)]):
        with pytest.raises(LotteryError, match="do not fit hidden layers of 3 units"):
            permuted(weights, wrong)
