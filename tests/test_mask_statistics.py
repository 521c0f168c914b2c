"""The anatomy of a ticket: each measurement on masks and weights for which it is known."""

import math

import pytest
import torch

from lottery.masks.mask_statistics import NAMES, anatomy


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


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
    assert found["grown_kept"] == pytest.approx(found["grown_pruned"], abs=0.02)
    # a random mask sets values to zero that were not moving there
    assert found["closer"] > 1


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
    found = anatomy(mask, w_init, torch.where(mask, w_init + 2, w_init / 2))
    assert found["positive"] == 1 and found["grown_kept"] == 1 and found["grown_pruned"] == 0
    assert found["movement"] == pytest.approx(2 / float((w_init[~mask] / 2).abs().median()), rel=1e-5)


def test_masking_what_goes_to_zero_brings_the_start_closer():
    """Where pruned weights end at zero and kept ones stay, the masked start is the end."""
    w_init = normal(50, 40)
    mask = w_init.abs() > 0.5
    assert anatomy(mask, w_init, w_init * mask)["closer"] == 0


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
    """A mask that keeps all or nothing has no anatomy, and says so in every field."""
    found = anatomy(torch.full((4, 3), kept), normal(4, 3), normal(4, 3, seed=1))
    assert set(found) == set(NAMES) and all(math.isnan(value) for value in found.values())
