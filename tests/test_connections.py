"""Connections: how a mask spreads them, on masks for which it is known, and on samples with one peak and with two."""

import math

import numpy as np
import pytest
import torch

from lottery.masks.connections import NAMES, connections, valley


def test_spread_is_deviation_over_mean_on_either_side():
    """Against numpy on a mask whose inputs and units have different numbers of connections."""
    mask = torch.rand(40, 30, generator=torch.Generator().manual_seed(0)) < torch.linspace(0.1, 0.9, 40)[:, None]
    found = connections(mask)
    for name, side in (("spread_over_units", 0), ("spread_over_inputs", 1)):
        counts = mask.numpy().sum(side)
        assert found[name] == pytest.approx(np.std(counts) / np.mean(counts), rel=1e-9)
    assert found["spread_over_inputs"] > 2 * found["spread_over_units"]


def test_sides_are_not_confused():
    """Units that keep all or nothing are uneven; then all inputs are alike, and there is nothing between two peaks."""
    mask = torch.zeros(20, 10, dtype=torch.bool)
    mask[:, :5] = True
    found = connections(mask)
    assert found["spread_over_units"] == 1 and found["spread_over_inputs"] == 0
    assert math.isnan(found["valley_over_inputs"]) and connections(mask.T)["valley_over_inputs"] == -0.5


def test_an_empty_mask_has_no_numbers():
    """There is no mean to divide by."""
    found = connections(torch.zeros(4, 3, dtype=torch.bool))
    assert list(found) == list(NAMES) and all(map(math.isnan, found.values()))


ONE_PEAK = {
    "normal": lambda draw: draw.normal(30, 6, 20_000),
    "exponential": lambda draw: draw.exponential(5, 20_000),
    "long to the left": lambda draw: 100 - draw.gamma(2, 5, 20_000),
    "binomial": lambda draw: draw.binomial(300, 0.07, 20_000),
}


@pytest.mark.parametrize("sample", ONE_PEAK.values(), ids=ONE_PEAK)
def test_one_peak_leaves_no_valley(sample):
    """However skewed: more lie midway between two means of a single peak than at the rarer of the two."""
    assert valley(torch.from_numpy(np.asarray(sample(np.random.default_rng(0)), dtype=float))) > 0.03


@pytest.mark.parametrize("rare", [0.2, 0.5, 0.8])
def test_two_peaks_leave_one(rare):
    """Also where one is lower and wider than the other; the flat distribution is the border."""
    draw = np.random.default_rng(0)
    few = draw.random(20_000) < rare
    counts = np.where(few, draw.normal(5, 2, 20_000), draw.normal(40, 6, 20_000))
    assert valley(torch.from_numpy(counts)) < -0.03
    assert valley(torch.from_numpy(draw.random(200_000))) == pytest.approx(0, abs=0.01)
