"""Laws of pruning: exact counts, nested masks, magnitude order, fair and seeded ties, agreement with torch's."""

from collections import Counter
from itertools import combinations, permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.nn.utils import prune

from lottery.masks.ranking import keep, ranking, ties_of
from lottery.models.architectures import network


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 60), levels=st.integers(1, 5), data=st.data())
def test_counts_and_nesting(seed, size, levels, data):
    """However many scores are tied, exactly `count` are kept, none pruned before; shorter cuts nest in longer ones."""
    scores = torch.randint(0, levels, (size,), generator=generator(seed)).float()
    mask = torch.rand(size, generator=generator(seed + 1)) < 0.7
    ranks = ranking(scores, mask, generator(seed + 2))
    assert sorted(ranks.tolist()) == list(range(size))
    count = data.draw(st.integers(0, int(mask.sum())))
    kept = keep(ranks, count, scores.shape)
    assert kept.sum() == count
    assert not (kept & ~mask).any()
    if count and (mask & ~kept).any():
        assert scores[kept].min() >= scores[mask & ~kept].max()
    fewer = keep(ranks, count // 2, scores.shape)
    assert not (fewer & ~kept).any()


def test_both_signs_are_judged_by_magnitude():
    """The largest magnitudes are kept whatever their sign: max |pruned| <= min |kept|."""
    weights = torch.randn(500, generator=generator())
    kept = keep(ranking(weights.abs(), torch.ones(500, dtype=torch.bool), generator(1)), 200, (500,))
    assert weights[~kept].abs().max() <= weights[kept].abs().min()
    assert 60 < (weights[kept] < 0).sum() < 140


@pytest.mark.parametrize("rounds", [1, 3, 8])
def test_equals_torch_prune(rounds):
    """Round by round the masks are those of torch.nn.utils.prune for the same counts."""
    layer = torch.nn.Linear(64, 96)
    torch.nn.init.normal_(layer.weight, generator=generator())
    weights, mask = layer.weight.detach().clone(), torch.ones(96, 64, dtype=torch.bool)
    architecture = network("lenet-96-48")
    for round in range(rounds):
        before, after = architecture.kept(round)[0], architecture.kept(round + 1)[0]
        prune.l1_unstructured(layer, "weight", amount=before - after)
        mask = keep(ranking(weights.abs(), mask, generator(round)), after, mask.shape)
    assert torch.equal(mask, layer.weight_mask.bool())


def test_ties_are_fair_and_seeded():
    """Tied weights are kept with equal chance wherever they lie; the same stream keeps the same, another others."""
    scores, mask = torch.zeros(40), torch.ones(40, dtype=torch.bool)
    draws = torch.stack([keep(ranking(scores, mask, generator(seed)), 10, (40,)) for seed in range(2000)])
    assert torch.equal(draws[7], keep(ranking(scores, mask, generator(7)), 10, (40,)))
    assert not torch.equal(draws[7], draws[8])
    share = draws.float().mean(0)
    assert (share - 0.25).abs().max() < 5 * (0.25 * 0.75 / 2000) ** 0.5


def test_ties_know_every_order():
    """All 24 orders of four tied weights come equally often: which are kept together is drawn, too."""
    scores, mask = torch.zeros(4), torch.ones(4, dtype=torch.bool)
    orders = Counter(tuple(ranking(scores, mask, generator(seed)).tolist()) for seed in range(4_800))
    assert set(orders) == set(permutations(range(4))) and stats.chisquare(list(orders.values())).pvalue > 1e-4


def test_ties_of_two_criteria_are_independent():
    """Masks of nothing but ties share what chance does, whichever criteria tie; one criterion's are the same again."""
    size, tied = 20_000, torch.zeros(20_000)
    masks = {
        name: keep(ranking(tied, torch.ones(size, dtype=torch.bool), ties_of(3, name, 2, "fc1")), size // 5, (size,))
        for name in ("random", "large_final_diff_sign", "magnitude_increase_diff_sign", "a criterion of one's own")
    }
    for (name, one), (_, other) in combinations(masks.items(), 2):
        assert abs(int((one & other).sum()) - size / 25) < 6 * (size * 0.04 * 0.64) ** 0.5, name
    again = keep(ranking(tied, torch.ones(size, dtype=torch.bool), ties_of(3, "random", 2, "fc1")), size // 5, (size,))
    assert torch.equal(masks["random"], again)
