"""The structural claims: they hold of the suite's own laws, and each notices the mistake that it is about."""

import dataclasses

import pytest
import torch

from lottery.experiments import chain_masks as chains
from lottery.experiments import laws

LENET = "lenet-300-100"
LAWS = [
    laws.survivors_are_largest,
    laws.masks_are_nested,
    laws.survivors_are_reset,
    laws.pruned_stay_zero,
    laws.redrawn_alike,
]


def uniform(weights):
    """Return as many uniform numbers of the same variance."""
    generator = torch.Generator().manual_seed(0)
    return weights.std() * 3**0.5 * (2 * torch.rand(weights.shape, generator=generator) - 1)


def normal(weights):
    """Return as many normal numbers of the same variance, some of them beyond two deviations."""
    return weights.std() * torch.randn(weights.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("law", LAWS)
def test_laws_hold_everywhere(law):
    """In three layers and three rounds."""
    assert len(laws.layers(LENET)) == 9 and laws.everywhere(LENET, law)


@pytest.mark.parametrize(
    "law, broken",
    [
        (laws.survivors_are_largest, lambda layer: {"trained_before": -1 / layer.trained_before.abs().clamp(min=1e-9)}),
        (laws.masks_are_nested, lambda layer: {"mask_before": layer.mask}),
        (laws.masks_are_nested, lambda layer: {"mask": ~layer.mask_before}),
        (laws.survivors_are_reset, lambda layer: {"start": layer.trained_before}),
        (laws.pruned_stay_zero, lambda layer: {"trained": layer.trained + 1e-9}),
        (laws.pruned_stay_zero, lambda layer: {"trained": layer.start * layer.mask}),
        (laws.redrawn_alike, lambda layer: {"redrawn": layer.w_init}),
        (laws.redrawn_alike, lambda layer: {"redrawn": 1.2 * layer.redrawn}),
        (laws.redrawn_alike, lambda layer: {"redrawn": uniform(layer.redrawn)}),
        (laws.redrawn_alike, lambda layer: {"redrawn": normal(layer.redrawn)}),
    ],
)
def test_each_law_notices_its_mistake(law, broken):
    """Small weights kept, masks that stay or grow, no reset, pruned weights that live, frozen ones, false reinits."""
    layer = laws.layers(LENET)[3]
    assert law(layer) and not law(dataclasses.replace(layer, **broken(layer)))


def test_bits_that_are_lost_are_noticed(monkeypatch):
    """A mask that is stored badly gives other predictions."""
    assert laws.restored_from_bits(LENET)["same predictions"]
    unpack = chains.unpack
    monkeypatch.setattr(chains, "unpack", lambda one, bits: [torch.roll(mask, 1, 0) for mask in unpack(one, bits)])
    assert not laws.restored_from_bits(LENET)["same predictions"]
