"""Streams: the same name the same numbers, another name other numbers."""

import torch
from scipy import stats

from lottery.core.rng import stream
from lottery.models.architectures import network
from lottery.models.initialisers import initial_weights


def test_names_decide():
    """Seed, purpose and every part of the purpose count."""
    draw = {
        name: torch.rand(8, generator=stream(*name)) for name in [(0, "init"), (1, "init"), (0, "ties"), (0, "init", 1)]
    }
    values = [tuple(numbers.tolist()) for numbers in draw.values()]
    assert len(set(values)) == len(values)
    assert torch.equal(draw[0, "init"], torch.rand(8, generator=stream(0, "init")))


def test_the_global_generator_is_not_touched():
    """Whatever a user seeds, the suite neither reads nor moves."""
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    initial_weights(network("lenet-96-48"), 0)
    stream(0, "init")
    assert torch.equal(torch.rand(1), first)


def test_initial_weights_have_glorots_deviation():
    """Mean zero, deviation sqrt(2 / (fan in + fan out)) but for what truncation takes; uncorrelated between seeds."""
    one, other = initial_weights(network("lenet-300-100"), 0), initial_weights(network("lenet-300-100"), 1)
    for weights, strangers in zip(one, other):
        nominal = (2 / sum(weights.shape)) ** 0.5 * stats.truncnorm(-2, 2).std()
        assert abs(weights.std().item() / nominal - 1) < 4 / (2 * weights.numel()) ** 0.5
        assert abs(weights.mean().item()) < 4 * nominal / weights.numel() ** 0.5
        correlation = torch.corrcoef(torch.stack([weights.flatten(), strangers.flatten()]))[0, 1]
        assert abs(correlation) < 4 / weights.numel() ** 0.5
