"""Selecting the largest scores of several layers: against a plain sort, exact counts, fair and seeded ties."""

from collections import Counter
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lottery.core.errors import LotteryError
from lottery.masks import selection
from lottery.masks.selection import largest

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def joined(tensors):
    return torch.cat([tensor.flatten() for tensor in tensors])


@pytest.fixture(params=[5, selection.BLOCK])
def block(request, monkeypatch):
    """Look at a few scores at a time, or at all."""
    monkeypatch.setattr(selection, "BLOCK", request.param)


@pytest.mark.parametrize("dtype", DTYPES)
def test_equals_a_sort(block, dtype):
    """The largest are kept, signs, zeros of both signs, infinities and denormals included, at every count."""
    scores = [torch.randn(4, 5, generator=generator(1)).to(dtype), torch.randn(17, generator=generator(2)).to(dtype)]
    scores[0][0, :4] = torch.tensor([float("inf"), float("-inf"), 0.0, -0.0])
    scores[1][:2] = torch.tensor([1e-7, -1e-7])
    masks = [torch.rand(values.shape, generator=generator(3)) < 0.8 for values in scores]
    values, left = joined(scores).double(), joined(masks)
    for count in range(int(left.sum()) + 1):
        kept = joined(largest(scores, masks, count, generator()))
        assert kept.sum() == count and not (kept & ~left).any()
        if 0 < count < left.sum():
            assert values[kept].min() >= values[left & ~kept].max()


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 40), st.data())
def test_counts_are_exact_whatever_is_tied(seed, levels, size, data):
    """Few different scores, three layers: as many are kept as asked for, none that was pruned, and the largest."""
    scores = [
        torch.randint(-levels, levels, (size, 2), generator=generator(seed + place)).float() for place in range(3)
    ]
    masks = [torch.rand(values.shape, generator=generator(seed + 9)) < 0.7 for values in scores]
    count = data.draw(st.integers(0, sum(int(mask.sum()) for mask in masks)))
    found = largest(scores, masks, count, generator(seed))
    assert [mask.shape for mask in found] == [mask.shape for mask in masks]
    kept, left, values = joined(found), joined(masks), joined(scores)
    assert kept.sum() == count and not (kept & ~left).any()
    if count and (left & ~kept).any():
        assert values[kept].min() >= values[left & ~kept].max()


def test_layers_of_several_float_types_are_ranked_together():
    """By value, as precise as the most precise of them."""
    scores = [torch.tensor([1.0, 3.0], dtype=torch.bfloat16), torch.tensor([1.0 + 1e-12, 2.0], dtype=torch.float64)]
    masks = [torch.ones(2, dtype=torch.bool)] * 2
    assert [mask.tolist() for mask in largest(scores, masks, 3, generator())] == [[False, True], [True, True]]


def test_ties_are_fair_across_layers(block):
    """Any two of five tied weights in two layers are kept as often as any others; the same stream keeps the same."""
    scores = [torch.tensor([0.0, -0.0, 9.0]), torch.tensor([[0.0], [-1.0], [0.0], [0.0]])]
    masks = [torch.ones_like(values, dtype=torch.bool) for values in scores]
    drawn = [tuple(joined(largest(scores, masks, 3, generator(seed))).tolist()) for seed in range(1000)]
    assert drawn[3] == tuple(joined(largest(scores, masks, 3, generator(3))).tolist())
    tied = (0, 1, 3, 5, 6)
    expected = {tuple(place == 2 or place in pair for place in range(7)) for pair in combinations(tied, 2)}
    counts = Counter(drawn)
    assert set(counts) == expected and stats.chisquare(list(counts.values())).pvalue > 1e-4


def test_nothing_is_drawn_without_a_choice():
    """Different scores leave the stream of random numbers where it was."""
    scores, masks, random = [torch.arange(6.0)], [torch.ones(6, dtype=torch.bool)], generator()
    before = random.get_state()
    largest(scores, masks, 4, random)
    assert torch.equal(before, random.get_state())


def test_empty_layers_are_passed_over(block):
    """Between others, and where nothing else is."""
    scores = [torch.ones(0, 3), torch.arange(7.0), torch.ones(0), torch.arange(7.0, 9.0)]
    masks = [torch.ones_like(values, dtype=torch.bool) for values in scores]
    found = largest(scores, masks, 3, generator())
    assert [mask.shape for mask in found] == [mask.shape for mask in masks] and found[3].all() and found[1][-1]
    assert largest(scores[:1], masks[:1], 0, generator())[0].shape == (0, 3)


def test_tensors_need_not_be_contiguous():
    """Transposed scores and masks are ranked place by place."""
    scores = torch.randn(5, 4, generator=generator()).T
    mask = torch.rand(5, 4, generator=generator(1)).gt(0.2).T
    (found,) = largest([scores], [mask], 7, generator())
    (plain,) = largest([scores.contiguous()], [mask.contiguous()], 7, generator())
    assert torch.equal(found, plain)


@pytest.mark.parametrize(
    "scores, count, message",
    [
        ([1.0, 2.0], 3, "3 weights cannot be kept of the 2 that are left"),
        ([1.0, 2.0], -1, "-1 weights cannot be kept"),
        ([1.0, float("nan")], 1, "NaN"),
    ],
)
def test_what_cannot_be_selected_is_one_message(scores, count, message):
    """Too many, fewer than none, and scores that are no numbers."""
    with pytest.raises(LotteryError, match=message):
        largest([torch.tensor(scores)], [torch.ones(2, dtype=torch.bool)], count, generator())


def test_scores_of_pruned_weights_do_not_matter():
    """They may be NaN, of either sign, and infinite."""
    nan = float("nan")
    scores = torch.tensor([1.0, nan, -nan, 2.0, float("inf")])
    mask = torch.tensor([True, False, False, True, False])
    assert largest([scores], [mask], 1, generator())[0].tolist() == [False, False, False, True, False]
