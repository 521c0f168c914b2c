"""Quantities of networks for images: whose measurements they read, how finely, and what they make of them."""

from math import isnan, log
from pathlib import Path

import pytest

import benchmarks.test_zhou_2019 as zhou
from lottery.claims.entries import read
from lottery.claims.image_quantities import (
    above_constant,
    accuracy,
    anatomy,
    best_by_validation,
    best_rung,
    early_stop,
    gap,
    iterations_to,
    learning,
    learning_curve,
    matching,
    moved,
    moved_either_way,
    overfitting,
    own_round,
    spread_over_masks,
    unfinished,
    weights_remaining,
)
from lottery.claims.statistics import Region, decide_mean
from lottery.experiments.arms import DENSE
from lottery.experiments.named_arms import chain, dissected, learned, of_network, untrained
from lottery.experiments.scales import SCALES

ENTRIES = read(Path(__file__).parents[1] / "expected" / "zhou_2019.toml")
PARTS = ("not_worse", "not_better", "control_loses")
TICKET, SIGNED, UNSIGNED = chain("large_final"), chain("large_final", "constant_initial_sign"), chain("random")


def claims_of_zhou():
    """Return every claim that the benchmark states."""
    marks = [mark for test in vars(zhou).values() for mark in getattr(test, "pytestmark", [])]
    return [parameter.values[0] for mark in marks if mark.name == "parametrize" for parameter in mark.args[1]]


def reading(measured):
    """Return what reads the same measurements of every network."""
    return lambda arm, round: measured


def test_above_a_constant_answer():
    """In points, of the best constant answer for the test images; nothing learned is nothing above."""
    for right, expected in ((97.5, 86.15), (11.35, 0.0)):
        measured = {"test_accuracy_end": right, "test_accuracy_constant": 11.35, "accuracy_step": 0.01}
        quantity = above_constant(DENSE, 0)
        assert quantity.of(reading(measured)) == pytest.approx(expected)
        assert quantity.resolution(reading(measured)) == 0.01 and quantity.failed(reading(measured)) == (not expected)


class TestStepsAndBest:
    """Steps of accuracies by the part of the data, the fall of the loss, and the best of several tickets."""

    STEPS = {"accuracy_step": 0.5, "train_accuracy_step": 0.25, "validation_accuracy_step": 0.2}
    RUNS = {
        1: {"validation_accuracy": [50.0, 70.0, 60.0], "validation_loss": [0.8, 0.2, 0.4], "early_stop_iteration": 20,
            "test_accuracy_early_stop": 71.0, "train_accuracy_early_stop": 75.0, "test_accuracy_end": 61.0},
        2: {"validation_accuracy": [60.0, 65.0, 68.0], "validation_loss": [0.8, 0.4, 0.1], "early_stop_iteration": 25,
            "test_accuracy_early_stop": 99.0, "train_accuracy_early_stop": 85.0, "test_accuracy_end": 58.0},
    }  # fmt: skip

    def read(self, arm, round):
        return self.RUNS[round] | self.STEPS | {"interval": 10, "iterations": 25, "censored": round == 2}

    @pytest.mark.parametrize("part, step", [("test", 0.5), ("train", 0.25), ("validation", 0.2)])
    def test_a_part_has_its_own_step(self, part, step):
        """One image more or less counts by the part's size; the finest of a difference's two counts."""
        assert accuracy(TICKET, 1, part=part).resolution(self.read) == step
        both = accuracy(TICKET, 1, part=part) - accuracy(TICKET, 2, part="test")
        assert both.resolution(self.read) == min(step, 0.5)

    def test_learning_curves_have_the_validation_images_step(self):
        """They are taken on these."""
        assert learning_curve(TICKET, 1, 20).resolution(self.read) == 0.2

    @pytest.mark.parametrize(
        "quantity, unit",
        [
            (accuracy(TICKET, 1), "accuracy_step"),
            (accuracy(untrained("random"), 1), "accuracy_step"),
            (accuracy(TICKET, 1, part="train"), "train_accuracy_step"),
            (gap(TICKET, SIGNED, [1, 2]), "accuracy_step"),
            (learning_curve(TICKET, 1, 20), "validation_accuracy_step"),
            (iterations_to(TICKET, 1, 65.0), "interval"),
            (early_stop(TICKET, 1), "interval"),
            (learning(TICKET, 1), ""),
            (overfitting(TICKET, 1), ""),
            (weights_remaining(learned()), ""),
            (spread_over_masks(learned()), ""),
            (anatomy(dissected("large_final"), 1, 0, "closer"), ""),
            (own_round("large_final", 2, 0, "closer"), ""),
        ],
    )
    def test_a_resolution_is_in_the_unit_of_its_quantity(self, quantity, unit):
        """Losses and shares know no images, iterations no accuracies: a step counts for its own quantities alone."""
        before = self.read(TICKET, 1)
        for name in (*self.STEPS, "interval"):
            coarser = before | {name: 4 * before[name]}
            factor = quantity.resolution(reading(coarser)) / quantity.resolution(reading(before))
            assert factor == (4 if name == unit else 1), name
        assert unit or quantity.resolution(reading(before)) == 1e-6

    def test_validation_accuracy_is_that_of_the_look(self):
        """At early stop, and at the end, which need not be a multiple of the interval; none where training diverged."""
        assert accuracy(TICKET, 1, part="validation").of(self.read) == 70
        assert accuracy(TICKET, 1, "end", "validation").of(self.read) == 60
        assert accuracy(TICKET, 2, part="validation").of(self.read) == 68
        diverged = accuracy(TICKET, 1, part="validation")
        assert isnan(diverged.of(lambda arm, round: self.read(arm, round) | {"early_stop_iteration": 0}))

    def test_the_best_is_chosen_by_validation_images(self):
        """Not by the images that it is measured on, and at the moment that is asked for."""
        best = best_by_validation(TICKET, [1, 2], accuracy)
        assert best.of(self.read) == 71 and best.cells == {(TICKET, 1), (TICKET, 2)}
        assert best_by_validation(TICKET, [2, 1], early_stop).of(self.read) == pytest.approx(log(20))
        at_the_end = best_by_validation(TICKET, [1, 2], lambda arm, n: accuracy(arm, n, "end"), "end")
        assert at_the_end.of(self.read) == 58

    def test_a_choice_among_diverged_networks_is_none(self):
        """Which would be best cannot be told."""

        def read(arm, round):
            return self.read(arm, round) | ({"early_stop_iteration": 0} if round == 1 else {})

        assert isnan(best_by_validation(TICKET, [1, 2], accuracy).of(read))
        assert isnan(best_by_validation(TICKET, [2, 1], accuracy).of(read))

    def test_the_loss_falls_and_rises(self):
        """From the first look to the bottom, and from there to the end, each as a logarithm."""
        assert learning(TICKET, 1).of(self.read) == pytest.approx(log(4))
        assert overfitting(TICKET, 1).of(self.read) == pytest.approx(log(2))
        assert overfitting(TICKET, 2).of(self.read) == 0

    def test_unfinished_counts_the_censored(self):
        """It does not make the claim itself a censored one: no time is taken of them."""
        assert [unfinished(TICKET, n).of(self.read) for n in (1, 2)] == [0, 1]
        assert not unfinished(TICKET, 2).censored(self.read)

    def test_networks_of_a_claim_are_told_apart_by_name(self):
        """An arm in two networks brings two rows of results."""
        names = {accuracy(of_network(name, TICKET), 1).terms[0].name for name in ("", "lenet-300-100-narrow")}
        assert len(names) == 2 and any(name.startswith("lenet-300-100-narrow, ") for name in names)


class TestMatching:
    """Of two arms that match, against a control that loses."""

    @staticmethod
    def verdicts(signed, unsigned, ticket=98.0):
        """Return which parts hold of arms with these accuracies, seeds differing by a hundredth of a point."""
        match = matching(SIGNED, TICKET, UNSIGNED, (n for n in (4, 8)))
        means = {SIGNED: signed, TICKET: ticket, UNSIGNED: unsigned}

        def of(quantity, seed):
            return quantity.of(lambda arm, round: {"test_accuracy_early_stop": means[arm] + 0.01 * (seed % 2)})

        parts = {name: getattr(match, name) for name in PARTS}
        values = {name: [of(quantity, seed) + 0.01 * seed for seed in range(5)] for name, quantity in parts.items()}
        return {name: decide_mean(of_seeds, Region(0)).verdict for name, of_seeds in values.items()}

    @pytest.mark.parametrize(
        "signed, unsigned, not_worse, not_better, control_loses",
        [
            (98.0, 97.0, "reproduced", "reproduced", "reproduced"),
            (97.8, 97.0, "reproduced", "reproduced", "reproduced"),
            (97.6, 97.0, "refuted", "reproduced", "reproduced"),
            (98.4, 97.0, "reproduced", "refuted", "reproduced"),
            (97.0, 97.0, "refuted", "reproduced", "reproduced"),  # the control itself lies outside its margin
            (97.8, 99.0, "refuted", "refuted", "refuted"),  # where the control wins nothing matches
        ],
    )
    def test_within_a_quarter_of_what_the_control_loses(self, signed, unsigned, not_worse, not_better, control_loses):
        """Less than a quarter of the control's loss is a match; more is none, and so is any where it does not lose."""
        assert self.verdicts(signed, unsigned) == {
            "not_worse": not_worse,
            "not_better": not_better,
            "control_loses": control_loses,
        }

    def test_every_part_needs_its_networks(self):
        """Margins are taken in the same rounds, and the dense network has none."""
        match = matching(TICKET, DENSE, UNSIGNED, [8, 12])
        ours, dense, controls = {(TICKET, 8), (TICKET, 12)}, {(DENSE, 0)}, {(UNSIGNED, 8), (UNSIGNED, 12)}
        assert match.not_worse.cells == match.not_better.cells == ours | dense | controls
        assert match.control_loses.cells == dense | controls
        assert match.difference.cells == ours | dense

    def test_the_difference_is_that_of_arm_and_reference(self):
        """Points by which the arm is ahead, whatever the control does: below zero where it is worse and yet matches."""
        accuracies = {(SIGNED, 4): 97.5, (SIGNED, 8): 96.0, (TICKET, 4): 98.0, (TICKET, 8): 97.0}

        def read(arm, round):
            return {"test_accuracy_early_stop": accuracies[arm, round]}

        assert matching(SIGNED, TICKET, UNSIGNED, [4, 8]).difference.of(read) == pytest.approx(-0.75)


class TestOwnRound:
    """What a round's training did to what the round then prunes."""

    MEASURED = {
        (dissected("large_final"), 1): {"anatomy": {"dense1": {"closer": 0.1}, "dense2": {"closer": 0.2}}},
        (TICKET, 1): {"pruning": {"dense1": {"closer": 0.3}, "dense2": {"closer": 0.4}}},
        (TICKET, 2): {"pruning": {"dense1": {"closer": 0.5}, "dense2": {"closer": 0.6}}},
    }

    @pytest.mark.parametrize("round, values", [(1, [0.1, 0.2]), (2, [0.3, 0.4]), (3, [0.5, 0.6])])
    def test_round_n_is_pruned_by_the_training_before_it(self, round, values):
        """The dense training before the first round, then that of round n - 1, layer by layer."""
        found = [own_round("large_final", round, layer, "closer") for layer in (0, 1)]
        assert [one.of(lambda arm, n: self.MEASURED[arm, n]) for one in found] == values
        assert {cell for one in found for cell in one.cells} == {
            (dissected("large_final"), 1) if round == 1 else (TICKET, round - 1)
        }


@pytest.mark.parametrize("scale", SCALES)
def test_one_round_contradicts_that_masking_is_training(scale):
    """Other rounds do not make up for it, whichever it is: each part is what the least agreeing round has."""
    agreeing = {"grown_kept": 0.7, "grown_pruned": 0.3, "closer": 0.9, "closer_by_chance": 1.2}
    contradicting = {"grown_kept": 0.4, "grown_pruned": 0.6, "closer": 1.1, "closer_by_chance": 1.0}
    (claim,) = (claim for claim in claims_of_zhou() if "masking_is_training" in claim.id)
    question = ENTRIES[claim.id].question(scale)
    parts = dict(claim.state(ENTRIES[claim.id], question).parts)
    for odd in question.rounds:

        def read(arm, round, odd=odd):
            n, name = (1, "anatomy") if arm == dissected("large_final") else (round + 1, "pruning")
            return {name: dict.fromkeys(("dense1", "dense2", "dense3"), contradicting if n == odd else agreeing)}

        found = {name: part.quantity.of(read) for name, part in parts.items()}
        assert found == pytest.approx(
            {
                "kept_grow_more_often": -0.2,
                "pruned_grow": 0.6,
                "distance_to_the_end": 1.1,
                "closer_than_by_chance": -0.1,
                "control_random_mask_is_not_closer": 1.0,
            }
        )


class TestMoved:
    """What training did to how many weights a learned mask keeps."""

    @pytest.mark.parametrize("logit, start", [(0.0, 50.0), (log(3), 75.0), (-log(3), 25.0)])
    def test_before_any_training_nothing_has_moved(self, logit, start):
        """The start is the logit's chance in per cent; what is added to it is what moved."""
        arm = learned(logit=logit)

        def read(share):
            return lambda *cell: {"weights_remaining": share}

        assert weights_remaining(arm).of(read(start)) == start
        assert moved(arm).of(read(start)) == pytest.approx(0)
        assert moved(arm).of(read(start - 3)) == pytest.approx(-3)
        assert moved_either_way(arm).of(read(start - 3)) == pytest.approx(3)


class TestNames:
    """What networks are called in results."""

    def test_the_dense_network_has_no_round(self):
        """However often a mean over rounds asks for it; a chain has its rounds, a heuristic mask its rungs."""
        names = {term.name for term in gap(TICKET, DENSE, [7, 8]).terms}
        assert names == {
            "large_final, round 7, test accuracy at early_stop",
            "large_final, round 8, test accuracy at early_stop",
            "dense, test accuracy at early_stop",
        }
        assert accuracy(learned(), 0, "end").terms[0].name.startswith("dense, learned Bernoulli mask, supermask, test")
        rungs = [term.name for term in best_rung(untrained("random")).terms]
        assert len(set(rungs)) == 25 and "round 24" in rungs[-1]


@pytest.mark.parametrize("scale", SCALES)
def test_no_match_without_a_control(scale):
    """In the claims of Zhou et al. a band around zero, or a match, stands beside a control that must lie outside."""
    for id, question in [(id, entry.question(scale)) for id, entry in ENTRIES.items()]:
        assert question.region is None or question.region.low != -question.region.high, id
        controls = [region for part, region in question.parts.items() if part.startswith("control_")]
        bands = [region for region in question.parts.values() if region.low == -region.high]
        assert all(any(region.high <= band.low for region in controls) for band in bands), id
        assert controls or not any(part.endswith("not_worse") for part in question.parts), id


@pytest.mark.parametrize("scale", SCALES)
def test_a_match_reports_its_difference(scale):
    """Whoever reads "not worse by more than the margin" sees by how much: of the same networks, but for the control."""
    found = 0
    for claim in claims_of_zhou():
        entry = ENTRIES[claim.entry_id]
        question = entry.question(scale)
        if question.skip or not any(part.startswith("control_") and part.endswith("loses") for part in question.parts):
            continue
        statement = claim.state(entry, question)
        cells = frozenset().union(*(part.quantity.cells for _, part in statement.parts))
        assert statement.beside, claim.id
        assert all(difference.cells < cells for _, difference in statement.beside), claim.id
        found += 1
    assert found >= 5
