"""Parts of arms: the contract that each keeps; and ranking, by layers or all together, against torch's own."""

import dataclasses
import importlib
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from lottery.claims.claim import STATED
from lottery.claims.resolved import entries_of, resolve
from lottery.core.errors import LotteryError
from lottery.experiments import chain_masks as chains
from lottery.experiments.all_parts import batch_key, parents, parts
from lottery.experiments.arms import Iterative
from lottery.experiments.arms import chain as chained
from lottery.experiments.experiment import Experiment, experiment
from lottery.experiments.measurements import ARM
from lottery.experiments.parts import _PARTS, part_of
from lottery.experiments.scales import SCALES
from lottery.models.architectures import Architecture
from lottery.models.layers import HIDDEN, OUTPUT
from lottery.training.config import Config, Setting

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def asked() -> list[Experiment]:
    """One experiment of every arm that a claim asks for, at any scale."""
    found = {}
    for file in sorted((ROOT / "benchmarks").glob("test_*.py")):
        module = importlib.import_module(f"benchmarks.{file.stem}")
        entries = entries_of({benchmark for benchmark in STATED if benchmark.name == file.name})
        marks = [mark for test in vars(module).values() for mark in getattr(test, "pytestmark", [])]
        for claim in (parameter.values[0] for mark in marks for parameter in mark.args[1]):
            for scale in SCALES.values():
                for one in resolve(claim, entries[claim.entry_id], scale).experiments():
                    found.setdefault((one.setting, one.arm), one)
    return list(found.values())


@pytest.mark.parametrize("description", _PARTS)
def test_descriptions_are_frozen_data(description):
    """What a part does can be said, compared and hashed without torch; its class and its part have a docstring."""
    assert dataclasses.is_dataclass(description) and description.__dataclass_params__.frozen
    assert description.__doc__ and _PARTS[description].__doc__
    assert description.__module__ == "lottery.experiments.arms"


def test_every_part_is_asked_for(asked):
    """No part stands here that no claim uses."""
    arms = [one.arm for one in asked] + [one.arm.mask.arm for one in asked if hasattr(one.arm.mask, "arm")]
    used = {type(part) for arm in arms for part in (arm.mask, arm.start, arm.action)}
    assert used == set(_PARTS)


def test_parts_keep_their_contract(asked):
    """Parents of one seed, functions as science, sound checks, and a batch key that can be compared."""
    for one in asked:
        assert all(isinstance(parent, Experiment) and parent.seed == one.seed for parent in parents(one))
        assert {batch_key(one)}
        for part in parts(one):
            part.check()
            assert all(map(callable, part.science()))


def test_arms_are_told_apart_and_written_as_data(asked):
    """Within a network and its training no two arms share a name; all that describes them has a column."""
    names = [(one.setting, one.arm.name) for one in asked]
    assert len(set(names)) == len(names)
    assert all(set(one.arm.described()) <= {*ARM, "training"} for one in asked)


def test_what_nothing_implements_is_one_message():
    """A new description without its part is named."""
    with pytest.raises(LotteryError, match="nothing does what str describes"):
        part_of("consensus")


def architecture(scope: str, output_rate: int) -> Architecture:
    """Return a network whose layers differ in size and in the scale of their weights."""

    def build() -> nn.Module:
        return nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 4))

    rates = [(HIDDEN, Fraction(1, 5))] + ([(OUTPUT, Fraction(output_rate, 5))] if output_rate else [])
    return Architecture("small", build, tuple(rates), scope)


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("output_rate", [0, 1])
@pytest.mark.parametrize("round", [1, 3])
def test_ranking_equals_torch(scope, output_rate, round):
    """By magnitude, layer by layer or all prunable layers together, masks are those of torch.nn.utils.prune."""
    small = architecture(scope, output_rate)
    setting = Setting("small", "digits", Config("adam", 1e-2, 20, 60, 20))
    setting.__dict__["architecture"] = small
    one, by = experiment(setting, chained("large_final"), round, 0), Iterative("large_final")
    generator = torch.Generator().manual_seed(round)
    weights = [scale * torch.randn(layer.shape, generator=generator) for scale, layer in zip((1, 3, 0.5), small.layers)]
    everything, block = chains.no_masks(one), small.layout.join(weights)
    masks = chains.cut(one, by, chains.ranks(one, by, round - 1, everything, block, block), round)

    module = small.build()
    small.layout.load(module, block)
    linear = [part for part in module if isinstance(part, nn.Linear)]
    prunable = linear if output_rate else linear[:2]
    if scope == "global":
        gone = sum(part.weight.numel() for part in prunable) - small.kept_in_all(round)
        prune.global_unstructured([(part, "weight") for part in prunable], prune.L1Unstructured, amount=gone)
    else:
        for part, kept in zip(prunable, small.kept(round)):
            prune.l1_unstructured(part, "weight", amount=part.weight.numel() - kept)
    for part, mask in zip(prunable, masks):
        assert torch.equal(part.weight_mask.t().bool(), mask)
    assert output_rate or bool(masks[-1].all())


def test_layer_wise_ranking_is_not_global():
    """On layers of different scales the two differ, so that neither can stand in for the other unnoticed."""
    setting = Setting("small", "digits", Config("adam", 1e-2, 20, 60, 20))
    small = architecture("global", 1)
    setting.__dict__["architecture"] = small
    one = experiment(setting, chained("large_final"), 3, 0)
    weights = [scale * torch.randn(layer.shape) for scale, layer in zip((1, 3, 0.5), small.layers)]
    block, everything = small.layout.join(weights), chains.no_masks(one)
    by = {scope: Iterative("large_final", scope) for scope in ("", "global")}
    cuts = [chains.cut(one, how, chains.ranks(one, how, 2, everything, block, block), 3) for how in by.values()]
    assert all(map(torch.equal, *cuts))  # the architecture's own scope is what an arm without one has
    shares = [mask.float().mean().item() for mask in cuts[0]]
    assert max(shares) - min(shares) > 0.2
