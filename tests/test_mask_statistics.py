"""The anatomy of a ticket: each measurement on masks and weights for which it is known."""

import math

import pytest
import torch
from scipy import stats

from lottery.masks.mask_statistics import NAMES, anatomy, pruning


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pruned(before, after, start, final):
    return pruning(before, after, start, final, torch.Generator().manual_seed(0))


def test_a_random_mask_changes_nothing():
    """Kept values are then a fair sample: as often positive, as dense around zero, moving and growing as others do."""
    w_init, moved = normal(300, 100), normal(300, 100, seed=1)
    found = anatomy(
        torch.rand(300, 100, generator=torch.Generator().manual_seed(2)) < 0.3, w_init, w_init + 0.5 * moved
    )
    assert found["positive"] == pytest.approx(0.5, abs=0.02)
    assert found["near_zero"] == pytest.approx(1, abs=0.06)
    assert found["distance"] < 0.02
    assert found["movement"] == pytest.approx(1, abs=0.03)


def test_keeping_large_values_leaves_a_valley():
    """Under a mask by initial magnitude nothing is left around zero, and both signs are as frequent as before."""
    w_init = normal(200, 100)
    found = anatomy(w_init.abs() > 1, w_init, w_init)
    assert found["near_zero"] == 0 and found["positive"] == pytest.approx(0.5, abs=0.02)
    # distribution functions of a standard normal and of its tails: farthest apart at one deviation
    assert found["distance"] == pytest.approx(0.5 - (1 - math.erf(1 / 2**0.5)) / 2, abs=0.01)


def test_signs_movement_and_growth_are_told_apart():
    """Kept weights are the positive ones, which grow by two; the others shrink to half."""
    w_init = normal(50, 40)
    mask = w_init > 0
    w_final = torch.where(mask, w_init + 2, w_init / 2)
    found, round = anatomy(mask, w_init, w_final), pruned(torch.ones_like(mask), mask, w_init, w_final)
    assert found["positive"] == 1 and round["grown_kept"] == 1 and round["grown_pruned"] == 0
    assert found["movement"] == pytest.approx(2 / float((w_init[~mask] / 2).abs().median()), rel=1e-5)


def test_masking_what_goes_to_zero_brings_the_start_closer():
    """Where pruned weights end at zero and kept ones stay, the masked start is the end; as many others are not."""
    w_init = normal(50, 40)
    mask = w_init.abs() > 0.5
    found = pruned(torch.ones_like(mask), mask, w_init, w_init * mask)
    assert found["closer"] == 0 and found["closer_by_chance"] > 1


def test_chance_neither_grows_nor_comes_closer():
    """A random mask sets values to zero that were not moving there; its control is then no other than itself."""
    w_init, moved = normal(300, 100), normal(300, 100, seed=1)
    mask = torch.rand(300, 100, generator=torch.Generator().manual_seed(2)) < 0.3
    found = pruned(torch.ones_like(mask), mask, w_init, w_init + 0.5 * moved)
    assert found["grown_kept"] == pytest.approx(found["grown_pruned"], abs=0.02)
    assert found["closer"] > 1 and found["closer"] == pytest.approx(found["closer_by_chance"], rel=0.02)


def test_what_was_pruned_before_a_round_does_not_count():
    """Weights that an earlier round pruned change nothing, whatever they are; only newly pruned ones are told of."""
    start, final = normal(40, 30), normal(40, 30, seed=1)
    before = torch.rand(40, 30, generator=torch.Generator().manual_seed(2)) < 0.5
    after = before & (final.abs() > 0.3)
    found = pruned(before, after, start, final)
    assert found == pruned(before, after, start + ~before, final - 2 * ~before)
    newly = before & ~after
    assert found["grown_pruned"] == pytest.approx((final[newly].abs() > start[newly].abs()).double().mean().item())
    zeroed = (start * after - final * before) * before
    assert found["closer"] == pytest.approx((zeroed.norm() / ((start - final) * before).norm()).item(), rel=1e-6)


def test_by_chance_as_many_are_pruned_among_those_that_were_trained():
    """With kept weights at one and ends at zero the distance counts what is left, which is the same for both."""
    before = torch.rand(40, 30, generator=torch.Generator().manual_seed(2)) < 0.5
    after = before & (torch.rand(40, 30, generator=torch.Generator().manual_seed(3)) < 0.8)
    found = pruned(before, after, torch.ones(40, 30), torch.zeros(40, 30))
    assert found["closer"] == found["closer_by_chance"] == pytest.approx((after.sum() / before.sum()).sqrt().item())


def test_connections_are_counted_on_their_sides():
    """Inputs that are cut off make the outgoing side uneven and leave the incoming side even."""
    mask = torch.zeros(10, 6, dtype=torch.bool)
    mask[:5] = True
    found = anatomy(mask, normal(10, 6), normal(10, 6, seed=1))
    assert found["incoming"] == 0 and found["outgoing"] == pytest.approx(
        (1 - 6 * 0.5 * 0.5 / 9) ** 0.5
    )  # all or none of six, less chance


def test_a_random_mask_is_even_on_both_sides():
    """However long they are: what chance makes uneven is taken off."""
    mask = torch.rand(784, 300, generator=torch.Generator().manual_seed(2)) < 0.07
    found = anatomy(mask, normal(784, 300), normal(784, 300, seed=1))
    assert found["incoming"] < 0.05 and found["outgoing"] < 0.05


@pytest.mark.parametrize("kept", [True, False])
def test_nothing_to_compare_is_no_number(kept):
    """A mask that keeps all or nothing has no anatomy, and says so in every field; so a round that prunes nothing."""
    found = anatomy(torch.full((4, 3), kept), normal(4, 3), normal(4, 3, seed=1))
    assert set(found) == set(NAMES) and all(math.isnan(value) for value in found.values())


@pytest.mark.parametrize(("reach", "found"), [(0.2, True), (0.249, True), (0.251, False), (0.5, False)])
def test_a_valley_is_a_quarter_of_a_deviation_wide(reach, found):
    """What lies farther from zero is not near it: a mask that keeps all beyond has none near zero, and no other has."""
    w_init = normal(300, 100)
    w_init /= w_init.std(correction=0)
    assert (anatomy(w_init.abs() > reach, w_init, w_init)["near_zero"] > 0) == found


def test_chance_prunes_any_that_were_trained():
    """Each trained weight as often, wherever it lies: the number of those chosen scatters as it does without replacing.

    Each weight's distance to its end is a power of two, so that the sum tells which were set to zero.
    """
    before, after, start = torch.ones(1, 8, dtype=torch.bool), torch.zeros(1, 8, dtype=torch.bool), torch.zeros(1, 8)
    after[0, 3:] = True
    start[0] = 2.0 ** torch.arange(8)
    counts = torch.zeros(8)
    for seed in range(1_000):
        generator = torch.Generator().manual_seed(seed)
        found = pruning(before, after, start, torch.zeros(1, 8), generator)["closer_by_chance"]
        left = round(found**2 * float((start**2).sum()))
        counts += torch.tensor([1.0 - (left >> (2 * place) & 1) for place in range(8)])
    assert counts.sum() == 3_000
    deviance = float(((counts - 375) ** 2 / (375 * 5 / 8)).sum()) * 7 / 8
    assert stats.chi2(7).cdf(deviance) < 1 - 1e-4
