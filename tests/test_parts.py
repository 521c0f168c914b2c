"""Parts of arms: what each that is registered promises, and global ranking against torch's own pruning."""

import dataclasses
import functools
import inspect
from fractions import Fraction

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from lottery.claims.resolved import resolve
from lottery.core.errors import LotteryError
from lottery.experiments import all_parts, parts
from lottery.experiments.arms import Action, Arm, Iterative, Mask, Start
from lottery.experiments.experiment import Experiment, experiment
from lottery.experiments.keys import other_data, science
from lottery.experiments.parts import _PARTS, ActionPart, MaskPart, StartPart, part_of
from lottery.experiments.scales import SCALES
from lottery.models import architectures
from lottery.models.architectures import Architecture
from lottery.models.layers import HIDDEN, OUTPUT
from lottery.store.store import Record
from lottery.training.config import Config, Setting
from tests.conftest import begin
from tests.every_key import claims

KINDS = {Mask: MaskPart, Start: StartPart, Action: ActionPart}


@functools.cache
def asked():
    """Return an experiment of every arm and setting that the benchmarks ask for, the last round of two seeds."""
    found = {}
    for scale in SCALES.values():
        for claim, entry in claims():
            for one in resolve(claim, entry, scale).experiments:
                key = one.setting, one.arm, min(one.seed, 1)
                if key not in found or found[key].round < one.round:
                    found[key] = one
    return list(found.values())


@pytest.mark.parametrize("description, part", _PARTS.items(), ids=lambda one: one.__name__)
class TestContract:
    def test_descriptions_are_frozen_and_documented(self, description, part):
        """A frozen dataclass with a kind, and like its part with a docstring of its own that somebody wrote."""
        assert dataclasses.is_dataclass(description) and description.__dataclass_params__.frozen
        for one in (description, part):
            assert "__doc__" in vars(one) and one.__doc__ and not one.__doc__.startswith(f"{one.__name__}(")
        assert isinstance(vars(description)["kind"], str)

    def test_a_part_is_of_its_descriptions_kind(self, description, part):
        """Masks are made by mask parts, starts by start parts, actions by action parts."""
        (base,) = (base for base in KINDS if issubclass(description, base))
        assert issubclass(part, KINDS[base]) and part.__mro__[-2] is parts.Part

    def test_arms_of_the_benchmarks_use_it(self, description, part):
        """There is no part that nothing asks for, so that the laws here are about each of them."""
        assert any(_uses(one, description) for one in asked())


def _uses(one, description):
    """Return whether an experiment, or one that it rests on, has a part with this description."""
    arm = one.arm
    own = any(type(part) is description for part in (arm.mask, arm.start, arm.action))
    return own or any(_uses(one.of(other, one.round), description) for other in arm.within)


def test_kinds_are_distinct():
    """No two descriptions share a kind: figures and tables choose by it."""
    kinds = [(next(base for base in KINDS if issubclass(one, base)), one.kind) for one in _PARTS]
    assert len(set(kinds)) == len(kinds)


def test_parents_are_experiments_of_the_same_seed():
    """Each a tuple, without repetition, of the same config but for its length, and never the experiment itself.

    Of no later round, unless a chain is followed down to another mask's count; of the same data, unless an arm names
    others; of the same seed, unless two initialisations are aligned.
    """
    for one in asked():
        for part in all_parts.parts(one):
            found = part.parents()
            assert isinstance(found, tuple) and len(set(found)) == len(found)
            for parent in found:
                assert isinstance(parent, Experiment) and parent != one
                length = {"iterations": one.setting.config.iterations, "interval": one.setting.config.interval}
                assert dataclasses.replace(parent.setting.config, **length) == one.setting.config
                if parent.setting.dataset == one.setting.dataset:
                    assert parent.setting.config == one.setting.config
                assert parent.round <= one.round or " cut to as many " in one.arm.name
                assert parent.setting.dataset in (one.setting.dataset, *other_data(one.arm))
                assert parent.seed == one.seed or one.arm.action.kind == "align"


def test_science_lists_functions_with_source():
    """Whatever a part lists can be called and read, for nothing else can be hashed; so can all that an arm lists."""
    found = set()
    for one in asked():
        its = all_parts.parts(one)
        listed = [part.science() for part in its]
        assert all(isinstance(of, list) for of in listed)
        assert {*map(type, its), *(function for of in listed for function in of)} <= set(science(one))
        found |= set(science(one))
    assert all(callable(one) and inspect.getsource(inspect.unwrap(one)) for one in found)


def test_arms_of_the_benchmarks_make_sense():
    """`check` has nothing to object to in any arm of any claim, at any scale."""
    assert len(asked()) > 100
    for one in asked():
        for part in all_parts.parts(one):
            part.check()


def test_batch_keys_can_be_compared():
    """They are hashable, and the same for all seeds of an arm."""
    for one in asked():
        assert all_parts.batch_key(one) == all_parts.batch_key(dataclasses.replace(one, seed=one.seed + 1))
        hash(all_parts.batch_key(one))


def test_what_nobody_does_is_refused():
    """A description without a part is named in the message."""

    @dataclasses.dataclass(frozen=True)
    class Undone(Mask):
        """Nobody does it."""

        kind = name = "undone"

    with pytest.raises(LotteryError, match="nothing does what Undone describes; register it with @implements"):
        part_of(Undone())


SIZES = (20, 30, 16, 10)
HIDDEN_ONLY = ((HIDDEN, Fraction(1, 5)),)
EVERYWHERE = ((HIDDEN, Fraction(1, 5)), (OUTPUT, Fraction(1, 5)))


@pytest.fixture(params=[EVERYWHERE, HIDDEN_ONLY], ids=["all layers prunable", "output layer not"])
def setting(request, monkeypatch):
    """A setting of a small network that is pruned at a single rate, in all of its layers or in all but the last."""
    build = functools.partial(architectures._chain, *SIZES)
    made = Architecture("one-rate", build, pruned_per_round=request.param)
    monkeypatch.setitem(architectures.ARCHITECTURES, "one-rate", made)
    return Setting("one-rate", "digits", Config("adam", 1e-2, 20, 40, 20))


def parameters(one, seed):
    """Return parameters (P,) of a trained network, all of different sizes, with deviations that differ by layer."""
    layers, generator = one.setting.architecture.layers, torch.Generator().manual_seed(seed)
    weights = [torch.randn(layer.shape, generator=generator) * (1 + place) for place, layer in enumerate(layers)]
    sizes = torch.cat([of.abs().flatten() for of in weights])
    assert len(sizes.unique()) == len(sizes)
    return one.setting.architecture.layout.join(weights)


def torch_prunes(one, block, counts, scope):
    """Return the masks (inputs, outputs) that torch's own pruning leaves of parameters, removing these counts."""
    module = one.setting.architecture.build()
    one.setting.architecture.layout.load(module, block)
    linear = [part for part in module if isinstance(part, nn.Linear)]
    prunable = [part for part, layer in zip(linear, one.setting.architecture.layers) if rate(one, layer)]
    if scope == "global":
        prune.global_unstructured(
            [(part, "weight") for part in prunable], pruning_method=prune.L1Unstructured, amount=sum(counts)
        )
    else:
        for part, count in zip(prunable, counts, strict=True):
            prune.l1_unstructured(part, "weight", amount=count)
    return [
        part.weight_mask.t().bool() if part in prunable else torch.ones_like(part.weight.t()).bool() for part in linear
    ]


def rate(one, layer):
    """Return the share of a layer's surviving weights that one round removes."""
    return one.setting.architecture.rate(layer)


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_the_first_cut_equals_torchs(setting, scope):
    """Ranked by size after training the mask is torch's own to the bit, in all layers together or in each by itself."""
    for seed in range(3):
        one = experiment(setting, Arm(Iterative("large_final", scope)), 1, seed)
        block = parameters(one, seed)
        masks = begin(one, Record({}, {"final": block.numpy()})).cut.masks
        prunable = [layer.weights for layer in setting.architecture.layers if rate(one, layer)]
        counts = [int(sum(prunable) / 5)] if scope == "global" else [int(weights / 5) for weights in prunable]
        theirs = torch_prunes(one, block, counts, scope)
        assert all(torch.equal(ours, of) for ours, of in zip(masks, theirs, strict=True))
        assert sum(int((~mask).sum()) for mask in masks) == sum(counts)


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_later_cuts_equal_torchs(setting, scope):
    """Round after round the counts are exact, the masks nested, and torch's own at the count that is pruned by then."""
    layers, seed = setting.architecture.layers, 4
    one = experiment(setting, Arm(Iterative("large_final", scope)), 1, seed)
    record, left = Record({}, {"final": parameters(one, seed).numpy()}), None
    kept = [layer.weights for layer in layers if rate(one, layer)]
    kept, total = ([sum(kept)] if scope == "global" else kept), kept
    for round in range(1, 6):
        one = experiment(setting, one.arm, round, seed)
        made = begin(one, record)
        kept = [count - int(count / 5) for count in kept]
        whole = [sum(total)] if scope == "global" else total
        trained = parameters(one, seed)  # the same in every round, so that torch prunes all at once
        theirs = torch_prunes(one, trained, [of - count for of, count in zip(whole, kept)], scope)
        assert all(torch.equal(ours, of) for ours, of in zip(made.cut.masks, theirs, strict=True))
        assert left is None or not any((mask & ~before).any() for mask, before in zip(made.cut.masks, left))
        left, final = made.cut.masks, trained * made.cut.trainable
        record = part_of(one.arm.mask)(one).carry(made.cut, made.start, final)


@pytest.mark.parametrize("criterion", ["large_init", "large_final", "random"])
def test_layers_that_are_not_prunable_keep_everything(setting, criterion):
    """Whatever ranks, in whatever scope, and in whatever round."""
    for scope in ("global", "layer"):
        one = experiment(setting, Arm(Iterative(criterion, scope)), 1, 0)
        parents = all_parts.parents(one)
        records = [Record({}, {"final": parameters(one, 0).numpy()})] * len(parents)
        masks = begin(one, *records).cut.masks
        for mask, layer in zip(masks, setting.architecture.layers):
            assert bool(mask.all()) != bool(rate(one, layer))


def test_scope_of_an_arm_goes_before_the_networks(setting, monkeypatch):
    """Without one an arm follows its network; with one it does what it says, and both have results of their own."""
    together = dataclasses.replace(setting.architecture, scope="global")
    block = parameters(experiment(setting, Arm(Iterative("large_final")), 1, 0), 0)
    counts = {}
    for scope in ("", "layer", "global"):
        one = experiment(setting, Arm(Iterative("large_final", scope)), 1, 0)
        counts[scope] = [int(mask.sum()) for mask in begin(one, Record({}, {"final": block.numpy()})).cut.masks]
    assert counts[""] == counts["layer"] != counts["global"]
    monkeypatch.setitem(architectures.ARCHITECTURES, "one-rate", together)
    again = Setting("one-rate", "digits", setting.config)
    one = experiment(again, Arm(Iterative("large_final")), 1, 0)
    found = begin(one, Record({}, {"final": block.numpy()})).cut.masks
    assert [int(mask.sum()) for mask in found] == counts["global"]


def test_two_rates_are_not_ranked_as_one():
    """LeNet's output layer has half the rate of the others: it says so instead of choosing one."""
    setting = Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, 40, 20))
    one = experiment(setting, Arm(Iterative("large_init", "global")), 1, 0)
    with pytest.raises(LotteryError, match="2 rates of pruning"):
        begin(one)
