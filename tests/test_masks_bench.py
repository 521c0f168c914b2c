"""The benchmark of masks: it runs on small networks, and leaves torch's threads as they were."""

import torch

from lottery.cli.masks_bench import RESNET_18, VGG_11, masks


def test_rows_for_small_networks():
    """One for all pairs, two for choosing; as many threads afterwards as before."""
    before = torch.get_num_threads()
    lines = masks(((30, 20), (7, 5)), ((40, 30),)).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["all", "masks", "torch.kthvalue"]
    assert torch.get_num_threads() == before


def test_sizes_are_those_of_the_networks():
    """Weights as Paganini & Forde 2020 prune them: the two add up to what their Table 1 decodes to."""
    assert [sum(a * b for a, b in shapes) for shapes in (RESNET_18, VGG_11)] == [11_000_000, 128_796_352]
