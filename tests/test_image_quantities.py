"""Quantities of networks for images: what each reads of a run, and how finely it can be read."""

from math import isnan, log

import pytest

from lottery.claims.image_quantities import (
    accuracy,
    best_by_validation,
    early_stop,
    learning,
    learning_curve,
    overfitting,
    unfinished,
)
from lottery.experiments.arms import chain, of_network

TICKET = chain("large_final")


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
