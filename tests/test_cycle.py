"""The structural claims: they hold of the suite's own cycle, and each notices the mistake that it is about."""

import dataclasses

import pytest
import torch

from lottery import cycle, experiments

LENET = "lenet-300-100"
LAWS = [cycle.survivors_are_largest, cycle.masks_are_nested, cycle.survivors_are_reset, cycle.pruned_stay_zero, cycle.redrawn_alike]


@pytest.mark.parametrize("law", LAWS)
def test_laws_hold_everywhere(law):
    """In three layers and three rounds."""
    assert len(cycle.layers(LENET)) == 9 and cycle.everywhere(LENET, law)


@pytest.mark.parametrize(
    "law, broken",
    [
        (cycle.survivors_are_largest, lambda one: {"trained_before": -1 / one.trained_before.abs().clamp(min=1e-9)}),
        (cycle.masks_are_nested, lambda one: {"mask_before": one.mask}),
        (cycle.masks_are_nested, lambda one: {"mask": ~one.mask_before}),
        (cycle.survivors_are_reset, lambda one: {"start": one.trained_before}),
        (cycle.pruned_stay_zero, lambda one: {"trained": one.trained + 1e-9}),
        (cycle.pruned_stay_zero, lambda one: {"trained": one.start * one.mask}),
        (cycle.redrawn_alike, lambda one: {"redrawn": one.w_init}),
        (cycle.redrawn_alike, lambda one: {"redrawn": 1.2 * one.redrawn}),
    ],
)
def test_each_law_notices_its_mistake(law, broken):
    """Small weights kept, masks that stay or grow, no reset, pruned weights that live, frozen ones, a reinit that is none or another's."""
    one = cycle.layers(LENET)[3]
    assert law(one) and not law(dataclasses.replace(one, **broken(one)))


def test_bits_that_are_lost_are_noticed(monkeypatch):
    """A mask that is stored badly gives other predictions."""
    assert cycle.restored_from_bits(LENET)["same predictions"]
    monkeypatch.setattr(cycle, "unpack", lambda one, bits: [torch.roll(mask, 1, 0) for mask in experiments.unpack(one, bits)])
    assert not cycle.restored_from_bits(LENET)["same predictions"]
