"""The bounds on tickets that exist by themselves, against counting."""

import pytest
import torch

from lottery.planting.bounds import chance, matched, paths, tolerances
from lottery.planting.targets import Target, relu


def test_bound_by_hand():
    """One layer with one neuron of one parameter, and two layers as their product; a bound is never negative."""
    assert chance([[1]], [3], [0.5]) == pytest.approx(1 - 0.5**3)
    assert chance([[1], [1, 1]], [3, 4], [0.5, 0.5]) == pytest.approx((1 - 0.5**3) * (1 - 2 * 0.5**4))
    assert chance([[5] * 9], [3], [0.1]) == 0


def test_matches_are_counted():
    """A neuron of one parameter is matched with probability 1 - (1 - error)^width; what nothing can match never is."""
    share = matched(1, 1, 10, 0.2, 20_000, torch.Generator().manual_seed(0))
    assert share == pytest.approx(1 - 0.8**10, abs=0.01)
    assert matched(3, 1, 1, 0.0, 500, torch.Generator().manual_seed(0)) == 0


@pytest.mark.parametrize("depth", [3, 5])
def test_single_paths(depth):
    """With one neuron a layer all weights must be positive."""
    share = paths(depth, 1, 20_000, torch.Generator().manual_seed(0))
    assert share == pytest.approx(0.5 ** (depth - 1), abs=0.01)


def test_tolerances_by_hand():
    """A path of ones of depth 3: error over two layers, root of a parameter, 1 + largest input, what comes after."""
    inputs = torch.tensor([[-0.5], [1.0]], dtype=torch.float64)
    first, second = tolerances(relu(3), inputs, 0.1)
    assert first == pytest.approx(0.1 / (2 * 1 * 2 * 1.05)) and second == pytest.approx(0.1 / (2 * 1 * 2))


def off(target, inputs, error, times=1.0):
    """The largest error where every parameter is off by so many times what lemma 1 allows, all to the same side."""
    allowed = tolerances(target, inputs, error)
    moved = [
        tuple(values + times * most for values, most in zip(of, allowed)) for of in (target.weights, target.biases)
    ]
    return float((Target(*moved)(inputs) - target(inputs)).abs().max())


def ones(width):
    shape = {"dtype": torch.float64}
    return Target(
        tuple(torch.ones(width, width, **shape) for _ in range(3)), tuple(torch.ones(width, **shape) for _ in range(3))
    )


def test_larger_errors_than_allowed_do_harm():
    """The lemma's check can fail: on a path, the allowance keeps the bound and ten times as much breaks it."""
    inputs = torch.ones(1, 1, dtype=torch.float64)
    assert off(ones(1), inputs, 0.1) <= 0.1 < off(ones(1), inputs, 0.1, times=10)


def test_the_lemma_does_not_see_width():
    """Where all weights point the same way errors add up over a layer, and the largest weight, as printed, is no bound.

    Three layers of three ones are off by 0.119 where the lemma allows 0.1; random weights, which the claim asks, less.
    """
    assert 0.118 < off(ones(3), torch.ones(1, 3, dtype=torch.float64), 0.1) < 0.12
