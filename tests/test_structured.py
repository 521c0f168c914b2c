"""Structured masks: torch.nn.utils.prune on the same weights, exact counts, nesting, and where rounding ends."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from lottery.core.errors import LotteryError
from lottery.masks.similarity import nested
from lottery.masks.structured import keep_units, remaining, stuck, unit_scores, units_left

NORMS = (1, 2, math.inf, -math.inf)
SHARES = (0.2, Fraction(1, 5))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def layer(shape, seed=0):
    module = nn.Linear(shape[1], shape[0]) if len(shape) == 2 else nn.Conv2d(shape[1], shape[0], shape[2:])
    nn.init.normal_(module.weight, generator=generator(seed))
    return module, module.weight.detach().clone(), torch.ones(shape, dtype=torch.bool)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    "shape, axis", [((12, 9), 0), ((12, 9), 1), ((8, 6, 3, 3), 0), ((8, 6, 3, 3), 1), ((8, 6, 3, 3), -1)]
)
def test_equals_torch_prune(shape, axis, norm):
    """Round after round the units of torch's ln_structured go, for every norm and axis, until nothing more does."""
    module, weights, mask = layer(shape)
    for round in range(9):
        prune.ln_structured(module, "weight", amount=0.2, n=norm, dim=axis)
        count = remaining(units_left(mask, axis), 0.2, nearest=True)
        mask = keep_units(weights, mask, axis, norm, count, generator(round))
        assert torch.equal(mask, module.weight_mask.bool())


@pytest.mark.parametrize("axis, norm", [(0, 2), (1, 1)])
def test_equals_torch_prune_among_weights_pruned_one_by_one(axis, norm):
    """Pruned weights count as zero in a unit's norm, and a unit without weights is none that could go."""
    module, weights, mask = layer((10, 8), seed=3)
    cut = mask & (torch.rand(10, 8, generator=generator(4)) < 0.6)
    cut[3], cut[:, 2] = False, False
    prune.custom_from_mask(module, "weight", cut.float())
    prune.ln_structured(module, "weight", amount=0.3, n=norm, dim=axis)
    count = remaining(units_left(cut, axis), 0.3, nearest=True)
    assert torch.equal(keep_units(weights, cut, axis, norm, count, generator()), module.weight_mask.bool())


@settings(deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(NORMS), st.integers(0, 2), st.data())
def test_counts_and_nesting(seed, norm, axis, data):
    """As many units are left as asked for, whatever is tied; whole units go, and nothing that was pruned returns."""
    scores = torch.randint(-1, 2, (5, 4, 3), generator=generator(seed)).float()
    mask = torch.rand(5, 4, 3, generator=generator(seed + 1)) < 0.3
    left = units_left(mask, axis)
    count = data.draw(st.integers(min(left, 1), left))
    kept = keep_units(scores, mask, axis, norm, count, generator(seed))
    assert units_left(kept, axis) == count and nested(kept, mask)
    for before, after in zip(mask.movedim(axis, 0), kept.movedim(axis, 0)):
        assert torch.equal(before, after) or not after.any()


@given(st.integers(0, 10**6), st.sampled_from(NORMS), st.permutations(range(6)))
def test_units_have_no_order(seed, norm, order):
    """Permuted units are kept in permuted places."""
    scores, mask = torch.randn(6, 4, generator=generator(seed)), torch.ones(6, 4, dtype=torch.bool)
    places = torch.tensor(order)
    kept = keep_units(scores, mask, 0, norm, 3, generator())
    assert torch.equal(keep_units(scores[places], mask, 0, norm, 3, generator()), kept[places])


def test_ties_are_fair():
    """Of four equal units each is kept half of the time when two are."""
    scores, mask = torch.ones(4, 3), torch.ones(4, 3, dtype=torch.bool)
    often = sum(keep_units(scores, mask, 0, 2, 2, generator(seed))[:, 0].double() for seed in range(2000)) / 2000
    assert (often - 0.5).abs().max() < 5 * (0.25 / 2000) ** 0.5


def test_norms_by_a_loop():
    """Each unit's norm is that of its slice with pruned weights at zero, in half precision too."""
    scores, mask = torch.randn(3, 4, 2, generator=generator()), torch.rand(3, 4, 2, generator=generator(1)) < 0.7
    cut = (scores * mask).double()
    plain = {1: lambda x: sum(abs(x)), 2: lambda x: math.sqrt(sum(x * x)), math.inf: lambda x: max(abs(x)),
             -math.inf: lambda x: min(abs(x))}  # fmt: skip
    for norm in NORMS:
        expected = [float(plain[norm](cut[:, unit].flatten().numpy())) for unit in range(4)]
        assert unit_scores(scores, mask, 1, norm).tolist() == pytest.approx(expected)
        assert unit_scores(scores.half(), mask, 1, norm).tolist() == pytest.approx(expected, rel=1e-2)
    infinite = torch.where(mask, scores, math.inf)
    assert torch.equal(unit_scores(infinite, mask, 1, 1), unit_scores(scores, mask, 1, 1))


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(
    "ladder", [(6, 5, 4, 3, 2, 2), (10, 8, 6, 5, 4, 3, 2, 2), (16, 13, 10, 8, 6, 5, 4, 3, 2, 2), (3, 2, 2), (1, 1)]
)
def test_rounding_sticks(ladder, share):
    """A fifth of few units, to the nearest: where torch's pruning goes, and stops (Paganini & Forde 2020)."""
    assert all(remaining(before, share, nearest=True) == after for before, after in zip(ladder, ladder[1:]))
    assert [stuck(count, share, nearest=True) for count in ladder[:-1]] == [*[False] * (len(ladder) - 2), True]


@given(st.integers(0, 1000), st.fractions(0, 1), st.booleans())
def test_remaining_is_bounded(count, share, nearest):
    """Between one and all, half a unit or one from the exact share; torch's own rounding where it is to the nearest."""
    left = remaining(count, share, nearest)
    assert min(count, 1) <= left <= count
    if left > 1:
        assert 0 <= (left - count * (1 - share)) * 2 <= 1 if nearest and left > count * (1 - share) else True
        assert abs(left - count * (1 - share)) < 1
    if nearest and count:
        assert left == max(1, count - prune._compute_nparams_toprune(float(share), count)) or float(share) != share
    assert nearest or left >= count * (1 - share)


def test_floor_and_nearest_differ():
    """Half goes to the even number, rounding down leaves more, and floats are multiplied before they are rounded."""
    assert [remaining(count, Fraction(1, 2), nearest=True) for count in (1, 3, 5)] == [1, 1, 3]
    assert [remaining(count, Fraction(1, 2), nearest=False) for count in (1, 3, 5)] == [1, 2, 3]
    assert remaining(4, 1, nearest=True) == 1 and remaining(0, 1, nearest=True) == 0
    assert not stuck(3, 0, nearest=True) and stuck(4, 0.2, nearest=False)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda w, m: keep_units(w, m, 0, 2, 0, generator()),
            "0 units cannot be kept of the 3 that are left; keep 1 to 3",
        ),
        (lambda w, m: keep_units(w, m, 0, 2, 4, generator()), "4 units cannot be kept of the 3"),
        (lambda w, m: keep_units(w, m, 2, 2, 1, generator()), r"\(3, 2\) have no axis 2"),
        (lambda w, m: keep_units(w, m.float(), 0, 2, 1, generator()), "convert it with mask.bool"),
        (lambda w, m: unit_scores(w, m[:1], 0, 2), r"scores of shape \(3, 2\) have a mask of shape \(1, 2\)"),
        (lambda w, m: remaining(3, 1.5, True), "a share of 1.5 of 3 units"),
    ],
)
def test_what_cannot_be_kept_is_one_message(call, message):
    """Emptying a layer, keeping more than is left, an axis that is none, a mask that is none."""
    with pytest.raises(LotteryError, match=message):
        call(torch.randn(3, 2), torch.ones(3, 2, dtype=torch.bool))


def test_a_layer_without_units_stays_without():
    """Nothing is asked of it."""
    empty = torch.zeros(3, 2, dtype=torch.bool)
    assert not keep_units(torch.ones(3, 2), empty, 0, 2, remaining(units_left(empty, 0), 0.2, True), generator()).any()
