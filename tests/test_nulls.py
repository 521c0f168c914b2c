"""Null masks: exact counts, fair places, and the law of what they share with any other mask."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lottery.core.errors import LotteryError
from lottery.masks.nulls import chance_jaccard, excess, hypergeometric, initial_magnitude, layerwise, uniform
from lottery.masks.similarity import counts, jaccard

SHAPES = ((6, 5), (4, 2, 3, 3), (3, 4))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def network(seed, densities=(0.9, 0.2, 0.5)):
    return [torch.rand(shape, generator=generator(seed)) < density for shape, density in zip(SHAPES, densities)]


def kept(masks):
    return [int(mask.sum()) for mask in masks]


def weights(seed):
    return [torch.randn(shape, generator=generator(seed + place)) for place, shape in enumerate(SHAPES)]


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_counts_are_exact(seed):
    """In total for what is uniform or by initial magnitude, in each layer for what is so by layer; shapes are kept."""
    masks, random = network(seed), generator(seed)
    total = [uniform(masks, random), initial_magnitude(masks, weights(seed), False, random)]
    layers = [layerwise(masks, random), initial_magnitude(masks, weights(seed), True, random)]
    assert all(sum(kept(null)) == sum(kept(masks)) for null in total)
    assert all(kept(null) == kept(masks) for null in layers)
    assert all([mask.shape for mask in null] == [mask.shape for mask in masks] for null in total + layers)


def test_initial_magnitude_keeps_the_largest():
    """No pruned weight was larger at the start than a kept one: in all layers together, or in each."""
    masks, values = network(0), [value.abs() for value in weights(0)]
    joined = [
        torch.cat([one.flatten() for one in many]) for many in (initial_magnitude(masks, values, False, None), values)
    ]
    assert joined[1][joined[0]].min() > joined[1][~joined[0]].max()
    for mask, value in zip(initial_magnitude(masks, [-value for value in values], True, None), values):
        assert value[mask].min() > value[~mask].max()


@pytest.mark.parametrize("null", [uniform, layerwise])
def test_every_place_is_as_likely(null):
    """A place is kept as often as the density that its null keeps says."""
    masks = network(1)
    draws = [null(masks, generator(seed)) for seed in range(2000)]
    for layer, mask in enumerate(masks):
        share = (
            sum(kept(masks)) / sum(mask.numel() for mask in masks) if null is uniform else mask.double().mean().item()
        )
        often = torch.stack([draw[layer] for draw in draws]).double().mean(0)
        assert (often - share).abs().max() < 5 * math.sqrt(share * (1 - share) / 2000)
    assert all(torch.equal(a, b) for a, b in zip(draws[5], null(masks, generator(5))))


def test_what_layerwise_masks_share_follows_the_hypergeometric_law():
    """Thousands of permutations of one mask against another: frequencies of their overlap fit."""
    mask, other = network(2)[0], network(3)[0]
    law = hypergeometric(int(mask.sum()), int(other.sum()), mask.numel())
    found = [counts(layerwise([mask], generator(seed))[0], other).both for seed in range(3000)]
    low, high = law.support()
    edges = [k for k in range(low, high + 1) if 3000 * law.pmf(k) >= 5]
    observed = np.array([sum(min(max(one, edges[0]), edges[-1]) == k for one in found) for k in edges])
    expected = np.array([law.pmf(k) for k in edges])
    expected[0], expected[-1] = law.cdf(edges[0]), law.sf(edges[-1] - 1)
    assert len(edges) > 2 and stats.chisquare(observed, 3000 * expected).pvalue > 1e-4


@pytest.mark.parametrize("first, second, size", [(2, 3, 5), (0, 2, 4), (4, 4, 4), (1, 1, 6)])
def test_chance_of_one_layer_is_the_mean_over_all_masks(first, second, size):
    """Every mask that keeps as many, enumerated."""
    other = torch.arange(size) < second
    found = []
    for places in itertools.combinations(range(size), first):
        mask = torch.zeros(size, dtype=torch.bool)
        mask[list(places)] = True
        found.append(jaccard(mask, other))
    assert chance_jaccard([(first, second, size)]) == pytest.approx(np.mean(found), rel=1e-12)


def test_chance_of_two_layers_is_the_mean_over_all_masks():
    """Every pair of masks of two layers, enumerated with its chance."""
    layers = [(2, 3, 5), (1, 2, 4)]
    laws = [hypergeometric(*layer) for layer in layers]
    total = sum(first + second for first, second, _ in layers)
    mean = sum(laws[0].pmf(a) * laws[1].pmf(b) * (a + b) / (total - a - b) for a in range(3) for b in range(2))
    assert chance_jaccard(layers) == pytest.approx(mean, rel=1e-9)


def test_chance_of_networks_is_what_permutations_give():
    """The mean similarity of layer-conditional nulls, all weights together, and no mean of the layers'."""
    masks, others = network(4), network(5)
    sizes = [(int(a.sum()), int(b.sum()), a.numel()) for a, b in zip(masks, others)]
    found = []
    for seed in range(1500):
        null = layerwise(masks, generator(seed))
        found.append(sum((counts(a, b) for a, b in zip(null[1:], others[1:])), counts(null[0], others[0])).jaccard)
    assert abs(np.mean(found) - chance_jaccard(sizes)) < 4 * np.std(found) / math.sqrt(1500)


def test_chance_in_large_layers():
    """Of millions of weights it is d / (2 - d), and of rare ones what Poisson's law says."""
    assert chance_jaccard([(640_000, 640_000, 1_000_000)] * 11) == pytest.approx(0.64 / (2 - 0.64), rel=1e-5)
    mean = 3000**2 / 9_000_000
    both = np.arange(20)
    expected = stats.poisson(mean).pmf(both) @ (both / (6000 - both))
    assert chance_jaccard([(3000, 3000, 9_000_000)]) == pytest.approx(expected, rel=1e-3)
    assert chance_jaccard([(0, 0, 5)]) == 1 and chance_jaccard([]) == 1 and chance_jaccard([(0, 3, 5)]) == 0


def test_excess_counts_deviations():
    """Chance alone has mean 0 and deviation 1; a mask and itself have many more."""
    masks, others = network(6), network(7)
    sizes = [(int(a.sum()), int(b.sum()), a.numel()) for a, b in zip(masks, others)]
    nulls = [layerwise(masks, generator(seed)) for seed in range(500)]
    found = np.array([excess(sum(counts(a, b).both for a, b in zip(null, others)), sizes) for null in nulls])
    assert abs(found.mean()) < 4 / math.sqrt(500) and abs(found.std() - 1) < 0.1
    assert excess(sum(kept(masks)), [(first, first, size) for first, _, size in sizes]) > 5
    assert excess(4, [(4, 4, 4)]) == 0


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: hypergeometric(3, 1, 2), "masks of 3 and of 1 weights do not fit into a layer of 2"),
        (lambda: excess(5, [(2, 3, 9)]), "5 weights cannot be common to masks that share 0 to 2"),
        (lambda: uniform([torch.ones(2)], generator()), "convert it with mask.bool"),
        (lambda: initial_magnitude(network(0), weights(0)[::-1], True, None), "have a mask of shape"),
    ],
)
def test_impossible_counts_are_one_message(call, message):
    """Masks larger than their layer, more in common than there is, masks that are none, weights of other layers."""
    with pytest.raises(LotteryError, match=message):
        call()
