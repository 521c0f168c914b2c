"""Masks made of other masks, whole units, and comparisons, on chains whose training is replaced by noise."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils import prune

import lottery.experiments.consensus_parts  # noqa: F401
from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.experiments import chain_masks as chains
from lottery.experiments.action_parts import PREDICTIONS, moment_of
from lottery.experiments.all_parts import parents
from lottery.experiments.arms import (
    BY_LAYER,
    DENSE,
    INITIAL,
    UNIFORM,
    Arm,
    Consensus,
    Iterative,
    Null,
    ToShare,
    Train,
    Units,
)
from lottery.experiments.comparison_parts import as_in_module
from lottery.experiments.experiment import experiment
from lottery.experiments.keys import check, key, other_data
from lottery.experiments.mask_parts import OtherMask
from lottery.experiments.named_arms import (
    aligned,
    as_many,
    chain,
    compared,
    consensus,
    cut_to,
    in_agreement,
    in_data_order,
    null,
    on,
    surveyed,
    ticket_from,
    units_chain,
)
from lottery.experiments.parts import part_of
from lottery.experiments.population import Population
from lottery.experiments.scales import SCALES
from lottery.masks import ranking
from lottery.masks.alignment import align, permuted
from lottery.masks.similarity import similarity
from lottery.models.layers import INPUTS, OUTPUT, OUTPUTS
from lottery.store.store import Record
from lottery.training.config import Config, Setting

SETTING = Setting("lenet-conv-miniature", "digits", Config("sgd", 0.1, 20, 4, 2))
LENET = Setting("lenet-conv", "mnist", Config("sgd", 0.1, 20, 4, 2))
TASKS = ("digits", "digits-turned", "digits-inverted")
TICKET = chain("large_final")
TICKETS = [on(task, TICKET) for task in TASKS]
LAYERS = SETTING.architecture.layers
NORMS = (1.0, 2.0, math.inf, -math.inf)


class Noise:
    """Records of experiments whose training is noise: another for each, but the same whenever it is asked for."""

    def __init__(self):
        self.records = {}

    def sources(self, one):
        """Return the records of an experiment's parents."""
        return {parent: self.record(parent) for parent in parents(one)}

    def record(self, one):
        """Return the record that an experiment leaves."""
        if one not in self.records:
            sources = self.sources(one)
            mask = part_of(one.arm.mask)(one)
            cut = mask.cut(sources)
            start = part_of(one.arm.start)(one).begin(cut, sources)
            draws = stream(one.seed, one.setting.dataset, one.arm.name, one.round)
            final = start + 0.1 * torch.randn(start.shape, generator=draws) * cut.trainable
            self.records[one] = mask.carry(cut, start, final)
            images = torch.randint(10, (897,), generator=draws)
            self.records[one].arrays[PREDICTIONS] = images.to(torch.uint8).numpy()
        return self.records[one]

    def masks(self, arm, round, seed=0, setting=SETTING):
        """Return an arm's masks, layer by layer."""
        other = OtherMask(experiment(setting, DENSE, 0, seed), arm, round)
        return other.masks({parent: self.record(parent) for parent in other.parents})

    def measured(self, arm, round, seed=0):
        """Return what an arm that trains nothing measures."""
        one = experiment(SETTING, arm, round, seed)
        return part_of(arm.action).run(Population([one]), {one: self.sources(one)})[one].measurements


@pytest.fixture(scope="module")
def noise():
    """Return chains of noise, which are made as they are asked for."""
    return Noise()


def flat(masks):
    """Return masks as one tensor."""
    return torch.cat([mask.flatten() for mask in masks])


def count(masks):
    """Return how many weights masks keep."""
    return int(flat(masks).sum())


class TestUnits:
    @pytest.mark.parametrize("side", [INPUTS, OUTPUTS])
    @pytest.mark.parametrize("norm", NORMS)
    def test_as_torch_prunes(self, noise, norm, side):
        """Five rounds of ln_structured over the same weights prune the same units, but for the head's classes."""
        arm = units_chain("large_final", norm, side)
        expected = [torch.ones_like(as_in_module(layer, torch.empty(layer.shape))) for layer in LAYERS]
        for round in range(5):
            weights = [as_in_module(*of) for of in zip(LAYERS, weights_of(noise, arm, round))]
            expected = [
                before if side == OUTPUTS and layer.role == OUTPUT else pruned_again(of, before, norm, side)
                for layer, of, before in zip(LAYERS, weights, expected)
            ]
            masks = [as_in_module(*of) for of in zip(LAYERS, noise.masks(arm, round + 1))]
            assert all(torch.equal(mask, wanted.bool()) for mask, wanted in zip(masks, expected))

    def test_counts_stick_at_two(self, noise):
        """6, 5, 4, 3, 2, 2, ... inputs, and one stays one: what can be pruned no further is kept, and counted."""
        kept = [SETTING.architecture.kept_of_units(round, INPUTS) for round in range(9)]
        assert [of[1] // (16 * 9) for of in kept] == [6, 5, 4, 3, 2, 2, 2, 2, 2]
        assert {of[0] for of in kept} == {54}
        record = noise.record(experiment(SETTING, units_chain("large_final", 2.0), 3, 0))
        assert record.measurements["mask_kept"] == sum(kept[3])

    def test_classes_stay(self):
        """Output by output the head loses no class, whatever the round."""
        counts = SETTING.architecture.kept_of_units(20, OUTPUTS)
        assert counts[-1] == LAYERS[-1].weights and counts[-2] < LAYERS[-2].weights


def weights_of(noise, arm, round):
    """Return the weights by which a round of a chain of noise is ranked."""
    one = experiment(SETTING, arm, round, 0)
    sources = noise.sources(one)
    cut = part_of(one.arm.mask)(one).cut(sources)
    start = part_of(one.arm.start)(one).begin(cut, sources)
    draws = stream(0, one.setting.dataset, one.arm.name, one.round)
    return chains.weights_of(one, start + 0.1 * torch.randn(start.shape, generator=draws) * cut.trainable)


def pruned_again(weights, before, norm, side):
    """Return torch's mask after a fifth of the units that are left of a layer, of torch's shape, has been pruned."""
    container, method = prune.PruningContainer(), prune.LnStructured(0.2, norm, 1 if side == INPUTS else 0)
    container._tensor_name = method._tensor_name = "weight"
    container.add_pruning_method(method)
    return container.compute_mask(weights, before)


class TestLayerwise:
    def test_as_torch_prunes(self, noise):
        """Of a network that is ranked as one, an arm may rank every layer by itself, as l1_unstructured does."""
        arm = Arm(Iterative("large_final", "layer"))
        for weights, layer, mask in zip(weights_of(noise, arm, 0), LAYERS, noise.masks(arm, 1)):
            module = torch.nn.Linear(1, 1)
            module.weight = torch.nn.Parameter(weights.reshape(1, -1))
            prune.l1_unstructured(module, "weight", 0.2)
            assert torch.equal(module.weight_mask.bool().view(layer.shape), mask)


def test_ties_are_drawn_by_seed_criterion_round_and_layer(monkeypatch):
    """For each round of each chain anew, whatever else is ranked: no two rankings share a stream."""
    sound, names = ranking.stream, []
    monkeypatch.setattr(ranking, "stream", lambda *name: (names.append(name), sound(*name))[1])
    arms = [Iterative(name, scope) for name in ("random", "movement") for scope in ("layer", "global")]
    arms += [Iterative(name, "layer", Units()) for name in ("random", "movement")]
    for seed, round in ((3, 0), (3, 1), (4, 0)):
        one = experiment(SETTING, TICKET, 1, seed)
        start = chains.joined(one, chains.initial(one))
        for by in arms:
            chains.ranks(one, by, round, chains.no_masks(one), start, start)
    layers = [*(layer.name for layer in LAYERS), "all"]
    expected = {
        (seed, "ties", *criterion, round, layer)
        for seed, round in ((3, 0), (3, 1), (4, 0))
        for criterion in ((), ("movement",))
        for layer in layers
    }
    assert set(names) == expected


class TestConsensus:
    @pytest.mark.parametrize("least", [1, 2, 3])
    def test_votes(self, noise, least):
        """A weight is kept if so many of the tasks' masks keep it."""
        votes = torch.stack([flat(noise.masks(arm, 2)) for arm in TICKETS]).sum(0)
        assert torch.equal(flat(noise.masks(consensus(TICKETS, least), 2)), votes >= least)

    def test_monotone(self, noise):
        """Sparser with every round, with every task, and with every vote that it takes."""
        by_round = [count(noise.masks(consensus(TICKETS), round)) for round in (1, 2, 3)]
        by_task = [count(noise.masks(consensus(TICKETS[:tasks]), 2)) for tasks in (1, 2, 3)]
        by_vote = [count(noise.masks(consensus(TICKETS, least), 2)) for least in (1, 2, 3)]
        for counts in (by_round, by_task, by_vote):
            assert counts == sorted(counts, reverse=True) and len(set(counts)) == 3

    def test_parents_are_of_every_task(self):
        """The last round of each task's chain, on its own data, with the same seed."""
        one = experiment(SETTING, on("digits-upended", consensus(TICKETS)), 2, 4)
        assert one.setting.dataset == "digits-upended"
        assert [(p.setting.dataset, p.round, p.seed) for p in parents(one)] == [(task, 1, 4) for task in TASKS]

    def test_no_consensus(self):
        """Of none, of fewer than one, or of more than there are."""
        for least in (0, 4):
            with pytest.raises(ValueError, match=f"{least} of 3 masks is no consensus"):
                Consensus(tuple(TICKETS), least)

    def test_kept_weights_are_rewound(self, noise):
        """The consensus starts, bit by bit, from the initial weights, and is zero elsewhere."""
        one = experiment(SETTING, consensus(TICKETS), 2, 0)
        cut = part_of(one.arm.mask)(one).cut(noise.sources(one))
        start = chains.weights_of(one, part_of(one.arm.start)(one).begin(cut, noise.sources(one)))
        for weights, initial, mask in zip(start, chains.initial(one), cut.masks):
            assert torch.equal(weights, initial * mask)

    def test_a_head_for_other_classes_is_whole(self, noise):
        """EMNIST has 47 classes: nothing is known about their weights; hidden layers start alike and keep the mask."""
        arm = on("emnist", consensus([on("mnist", TICKET), on("kmnist", TICKET)]))
        one = experiment(LENET, arm, 2, 0)
        assert one.setting.network == "lenet-conv-47"
        masks = part_of(one.arm.mask)(one).cut(noise.sources(one)).masks
        hidden = noise.masks(consensus([on("mnist", TICKET), on("kmnist", TICKET)]), 2, setting=LENET)
        assert masks[-1].all() and all(torch.equal(*of) for of in zip(masks[:-1], hidden[:-1]))
        ten = experiment(LENET, DENSE, 0, 0)
        assert all(torch.equal(*of) for of in zip(chains.initial(one)[:-1], chains.initial(ten)[:-1]))

    def test_networks_must_fit(self, noise):
        """Masks of one network are refused by another, with one message."""
        with pytest.raises(LotteryError, match="masks of one network do not fit another"):
            chains.fitted(experiment(LENET, DENSE, 0, 0), noise.masks(TICKET, 1))


class TestNulls:
    @pytest.mark.parametrize("model", [UNIFORM, BY_LAYER, INITIAL])
    def test_counts(self, noise, model):
        """As many weights as the mask that it is a null of, in each layer where it is conditioned on that."""
        own = noise.masks(TICKET, 3)
        for by_layer in (False, True):
            found = noise.masks(null(TICKET, model, by_layer), 3)
            assert count(found) == count(own)
            if model == BY_LAYER or (by_layer and model == INITIAL):
                assert [int(mask.sum()) for mask in found] == [int(mask.sum()) for mask in own]

    def test_initial_magnitude(self, noise):
        """What is kept was larger at the start than what is not."""
        one = experiment(SETTING, DENSE, 0, 0)
        sizes, kept = flat(chains.initial(one)).abs(), flat(noise.masks(null(TICKET, INITIAL), 3))
        assert sizes[kept].min() >= sizes[~kept].max()

    def test_draws_are_independent(self, noise):
        """Of seeds and samples: two random masks share as many weights as chance has it, and are never the same."""
        masks = [
            flat(noise.masks(null(TICKET, UNIFORM, sample=sample), 3, seed)) for sample in (0, 1) for seed in (0, 1)
        ]
        for place, first in enumerate(masks):
            for second in masks[:place]:
                density = 0.8**3
                shared = (first & second).double().mean().item()
                assert abs(shared - density**2) < 5 * density * (1 - density) / len(first) ** 0.5

    def test_no_such_model(self):
        """One message."""
        with pytest.raises(ValueError, match="'shuffled' is no null model"):
            Null(TICKET, "shuffled")


class TestCuts:
    @pytest.mark.parametrize("least", [1, 2, 3])
    def test_cut_to_a_count(self, noise, least):
        """Exactly as many, between two of the chain's own masks."""
        shared = consensus(TICKETS, least)
        cut, wanted = flat(noise.masks(cut_to(TICKETS[1], shared, 8), 2)), count(noise.masks(shared, 2))
        assert cut.sum() == wanted
        rungs = [flat(chains.no_masks(experiment(SETTING, DENSE, 0, 0)))]
        rungs += [flat(noise.masks(TICKETS[1], round)) for round in range(1, 9)]
        (place,) = [n for n in range(8) if rungs[n].sum() > wanted >= rungs[n + 1].sum()]
        assert not (cut & ~rungs[place]).any() and not (rungs[place + 1] & ~cut).any()

    def test_too_few_rounds(self, noise):
        """One message that says how many rounds leave how much."""
        with pytest.raises(
            LotteryError, match=r"1 rounds leave 3,9\d\d weights, more than the .* of the mask to cut to"
        ):
            noise.masks(cut_to(TICKET, consensus(TICKETS), 1), 2)

    @pytest.mark.parametrize("criterion", ["large_final", "large_init", "random"])
    def test_one_shot_as_many(self, noise, criterion):
        """Exactly as many, the largest of all layers together."""
        shared = consensus(TICKETS)
        found = flat(noise.masks(as_many(criterion, shared), 2))
        assert found.sum() == count(noise.masks(shared, 2))
        one = experiment(SETTING, DENSE, 0, 0)
        weights = {"large_init": chains.initial(one), "large_final": weights_of(noise, TICKET, 0)}.get(criterion)
        if weights is not None:
            sizes = flat(weights).abs()
            assert sizes[found].min() >= sizes[~found].max()


class TestDataAndOrders:
    def test_a_ticket_of_another_task(self, noise):
        """Its mask is that of the chain on the other data, its own training and start are not."""
        one = experiment(SETTING, on("digits-turned", ticket_from(TICKETS[0])), 2, 0)
        assert one.setting.dataset == "digits-turned" and parents(one)[0].setting.dataset == "digits"
        masks = part_of(one.arm.mask)(one).cut(noise.sources(one)).masks
        assert torch.equal(flat(masks), flat(noise.masks(TICKETS[0], 2)))

    def test_another_order_of_the_data(self):
        """In all rounds, the dense one too: another stream each, and another key; the first order is as it was."""
        arm = in_data_order(1, TICKET)
        moments = [moment_of(experiment(SETTING, of, round, 0)) for of in (TICKET, arm) for round in (0, 1)]
        assert moments[:2] == [0, 1] and len(set(map(str, moments))) == 4
        assert parents(experiment(SETTING, arm, 1, 0))[0] == experiment(SETTING, Arm(action=Train(1)), 0, 0)
        names = {key(experiment(SETTING, of, 0, 0), "", "float32") for of in (TICKET, arm, on("digits-turned", TICKET))}
        assert len(names) == 3

    def test_every_description_has_a_key_of_its_own(self):
        """What differs in units, null, votes, counts or data is never the same result."""
        arms = [
            *(units_chain("large_final", norm, side) for norm in NORMS for side in (INPUTS, OUTPUTS)),
            *(null(TICKET, model, by_layer, sample)
              for model in (UNIFORM, BY_LAYER, INITIAL) for by_layer in (False, True) for sample in (0, 1)),
            *(consensus(TICKETS, least) for least in (1, 2, 3)),
            *(consensus(TICKETS[:2]), cut_to(TICKET, consensus(TICKETS), 8), cut_to(TICKETS[1], consensus(TICKETS), 8)),
            *(as_many("large_final", consensus(TICKETS, least)) for least in (1, 2)),
            *(ticket_from(TICKETS[1]), compared(*TICKETS), compared(*TICKETS[:2]), surveyed(TICKET), aligned(TICKET)),
            Arm(TICKET.mask, action=Train(predictions=True)),
        ]  # fmt: skip
        experiments = [experiment(SETTING, arm, 2, 0) for arm in arms]
        for one in experiments:
            check(one)
        assert len({key(one, "", "float32") for one in experiments}) == len(arms)

    def test_other_tasks_data_count_in_keys(self):
        """A mask of another task is another one where that task's pixels are, and its name is listed once."""
        one = experiment(SETTING, on("digits-turned", cut_to(TICKETS[0], consensus(TICKETS), 8)), 2, 0)
        assert other_data(one.arm) == ("digits", "digits-inverted", "digits-turned")
        names = {key(one, "", "float32", (("digits", pixels),)) for pixels in ("these", "others")}
        assert len(names) == 2 and other_data(TICKET) == ()

    def test_what_makes_no_sense_is_refused(self):
        """Sides, norms, scopes, no rounds, a search's mask: each with one message."""
        for make, message in (
            (lambda: Units("sideways"), "no side of a layer"),
            (lambda: Units(norm=math.nan), "no norm of order nan"),
            (lambda: Iterative("large_final", "globl"), "no way to rank layers"),
            (lambda: Iterative("large_final", "global", Units()), "ranked layer by layer"),
            (lambda: cut_to(TICKET, TICKET, 0), "0 rounds"),
            (lambda: compared(), "no arms to compare; give at least two"),
            (lambda: in_agreement(TICKET), "one arm to compare; give at least two"),
        ):
            with pytest.raises(ValueError, match=message):
                make()
        with pytest.raises(LotteryError, match="the mask of a search is made within it"):
            OtherMask(experiment(SETTING, DENSE, 0, 0), Arm(ToShare("random", 0.1)), 0)


class TestComparisons:
    def test_counts_are_those_of_the_library(self, noise):
        """By pair and layer, and in total."""
        found = noise.measured(compared(*TICKETS), 2)["pairs"]
        named = [{layer.name: mask for layer, mask in zip(LAYERS, noise.masks(arm, 2))} for arm in TICKETS]
        for i, j in ((0, 1), (0, 2), (1, 2)):
            expected = similarity(named[i], named[j])
            for name, counts in found[f"{i}, {j}"].items():
                assert counts == [expected[name][of] for of in ("both", "first", "second", "size")]

    def test_common(self, noise):
        """How many weights none, one, two and all of the masks keep."""
        found, votes = (
            noise.measured(compared(*TICKETS), 2)["common"],
            sum(flat(noise.masks(arm, 2)).int() for arm in TICKETS),
        )
        assert found["total"] == votes.bincount(minlength=4).tolist()
        assert [sum(column) for column in zip(*(found[layer.name] for layer in LAYERS))] == found["total"]

    def test_agreement(self, noise):
        """Against a count by hand, on the real labels of the digits."""
        arms = [Arm(TICKET.mask, action=Train(order, predictions=True)) for order in range(3)]
        found = noise.measured(in_agreement(*arms), 2)
        answers = [noise.record(experiment(SETTING, arm, 2, 0)).arrays[PREDICTIONS] for arm in arms]
        same, first, second = found["agreement"]["0, 2"]
        assert same == pytest.approx(np.mean(answers[0] == answers[2])) and second == pytest.approx(
            found["accuracies"][2]
        )
        assert first == pytest.approx(found["accuracies"][0]) and 0 <= found["vote"] <= 1

    def test_planted_networks_have_no_predictions(self):
        """One message where they are asked for: there are no test images."""
        setting = SCALES["tiny"].setting("planted-circle-5", "planted")
        with pytest.raises(LotteryError, match="predictions are kept of networks for images; planted-circle-5 has"):
            check(experiment(setting, Arm(action=Train(predictions=True)), 0, 0))

    def test_agreement_needs_predictions(self):
        """One message for arms that keep none, or are of another task."""
        for arm in (TICKET, on("digits", Arm(TICKET.mask, action=Train(predictions=True)))):
            with pytest.raises(LotteryError, match="predictions are compared of arms that keep them"):
                check(experiment(SETTING, in_agreement(arm, arm), 2, 0))

    def test_survey(self, noise):
        """Counts of each layer, effective ones no more than the mask's, deviations of what it keeps."""
        found, masks = noise.measured(surveyed(TICKET), 6)["survey"], noise.masks(TICKET, 6)
        for layer, mask, weights in zip(LAYERS, masks, chains.initial(experiment(SETTING, DENSE, 0, 0))):
            of = found[layer.name]
            assert of["kept"] == mask.sum() and of["weights"] == mask.numel() and of["effective"] <= of["kept"]
            assert of["deviation"] == pytest.approx((weights[mask].double().std() / weights.double().std()).item())
            entering = mask.sum(0) if mask.dim() == 2 else mask.flatten(1).sum(1)
            assert of["empty_outputs"] == int((entering == 0).sum()) and of["outputs"] == len(entering)

    def test_alignment(self, noise):
        """Masks of the seeds 2s and 2s + 1 are compared, as they are and matched: as many weights in each layer."""
        one = experiment(SETTING, aligned(TICKET), 2, 3)
        assert {parent.seed for parent in parents(one)} == {3, 6, 7}
        found = noise.measured(aligned(TICKET), 2, seed=3)["pairs"]
        expected = similarity(*({layer.name: mask for layer, mask in zip(LAYERS, noise.masks(TICKET, 2, seed))}
                                for seed in (6, 7)))  # fmt: skip
        assert found["as they are"]["total"][0] == expected["total"]["both"]
        assert len({str([of[1:] for of in pair.values()]) for pair in found.values()}) == 1
        assert set(found) == {f"{which}{how}" for which in ("", "initial ") for how in ("as they are", "aligned")}

    def test_alignment_of_the_control(self, noise):
        """It keeps the largest initial weights of each layer, and matches units by initial weights alone."""
        masks = [noise.masks(null(TICKET, INITIAL, by_layer=True), 2, seed) for seed in (6, 7)]
        expected = similarity(*({layer.name: mask for layer, mask in zip(LAYERS, of_one)} for of_one in masks))
        found = noise.measured(aligned(TICKET), 2, seed=3)["pairs"]
        assert found["initial as they are"]["total"][0] == expected["total"]["both"]
        starts = [
            [as_in_module(*of) for of in zip(LAYERS, chains.initial(experiment(SETTING, DENSE, 0, seed)))]
            for seed in (6, 7)
        ]
        first, second = ([as_in_module(*of) for of in zip(LAYERS, mask)] for mask in masks)
        matched = permuted(second, align(*starts))
        assert found["initial aligned"]["total"][0] == sum(int((a & b).sum()) for a, b in zip(first, matched))
        assert found["initial aligned"]["total"][0] > expected["total"]["both"]  # matching alone makes masks agree


@settings(max_examples=20, deadline=None)
@given(first=st.integers(0, 5), later=st.integers(1, 4))
def test_masks_of_a_run_are_nested(first, later):
    """The similarity of two masks of one run is the ratio of their counts, 0.8 to the power of the rounds between."""
    noise = test_masks_of_a_run_are_nested.noise
    before, after = (flat(noise.masks(TICKET, round)) for round in (first, first + later))
    similar = (before & after).sum().item() / (before | after).sum().item()
    assert similar == after.sum().item() / before.sum().item() == pytest.approx(0.8**later, rel=2e-3)


test_masks_of_a_run_are_nested.noise = Noise()


def test_records_are_small():
    """A chain that is compared, or pruned by units, leaves bits and counts, no weights."""
    noise = Noise()
    record = noise.record(experiment(SETTING, units_chain("large_final", 1.0), 2, 0))
    assert isinstance(record, Record) and set(record.arrays) == {"next_masks", PREDICTIONS}
