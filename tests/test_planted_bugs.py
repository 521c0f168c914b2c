"""Can the suite fail? Each test plants one science bug and shows which law or which claim turns."""

import dataclasses
from pathlib import Path

import pytest
import torch

import benchmarks.test_fischer_burkholz_2021 as planted
import benchmarks.test_lottery_2026 as ours
import benchmarks.test_paganini_forde_2020 as paganini
import benchmarks.test_zhou_2019 as zhou
from lottery.claims.claims_folders import expected_file
from lottery.claims.entries import read_in_part
from lottery.experiments import action_parts, all_parts, comparison_parts, keys, mask_parts, population, search_part
from lottery.experiments import chain_masks as chains
from lottery.experiments.named_arms import branch, chain
from lottery.experiments.scales import SCALES
from lottery.masks import criteria, kept_values, saliency
from lottery.models import architectures, perceptrons
from lottery.planting import planted_networks
from lottery.plugin.progress import Reporter
from lottery.plugin.session import Options, Session
from lottery.plugin.shared_folder import SharedFolder
from lottery.training import config, data_order, learned_masks, observers
from lottery.training.optimiser import Descent
from tests import (
    test_experiments,
    test_learned_masks,
    test_networks,
    test_oracle,
    test_saliency,
    test_search_part,
    test_training,
    training_helpers,
)
from tests.conftest import shortened


def judged(test, folder: Path, **changes) -> dict:
    """Return the result of a benchmark's claim at the tiny scale, asked with fewer seeds or other rounds."""
    claim = test.pytestmark[0].args[1][0].values[0]
    known = read_in_part(expected_file(claim.file))
    session = Session(Options(SCALES["tiny"], folder / "store", "cpu", "float32"), known)
    asked = session.ask(claim)
    question = asked.question.model_copy(update=changes)
    session.asked[claim.id] = dataclasses.replace(
        asked, question=question, statement=claim.state(asked.entry, question)
    )
    keys._inputs.cache_clear()  # which takes for granted that treatments stay what they are
    (folder / "progress").mkdir(parents=True, exist_ok=True)
    session.train(1, Reporter(SharedFolder(str(folder / "run")), "main"))
    return session.result(claim)


def verdict(test, folder, **changes):
    """Return the verdict alone."""
    return judged(test, folder, **changes)["verdict"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder for verdicts that have networks in common; a criterion or a treatment is in the key of what it made."""
    return tmp_path_factory.mktemp("shared")


class TestClaimsTurn:
    def test_sign_of_the_criterion_flipped(self, shared, monkeypatch):
        """Keeping the smallest weights refutes that large_final beats random; keeping the largest reproduces it."""
        question = {"seeds": 20, "rounds": (8,)}
        assert verdict(zhou.test_large_final_beats_random, shared, **question) == "reproduced"
        monkeypatch.setitem(criteria.CRITERIA, "large_final", lambda w_final: -w_final.abs())
        assert verdict(zhou.test_large_final_beats_random, shared, **question) == "refuted"

    def test_signs_lost(self, shared, monkeypatch):
        """A signed constant that draws its signs at random no longer recovers the ticket."""
        question = {"seeds": 20, "rounds": (8,)}
        assert verdict(zhou.test_signs_recover_ticket, shared, **question) == "reproduced"
        monkeypatch.setitem(kept_values.TREATMENTS, "constant_initial_sign", kept_values.TREATMENTS["constant"])
        assert verdict(zhou.test_signs_recover_ticket, shared, **question) != "reproduced"

    def test_supermask_of_shuffled_weights(self, tmp_path, monkeypatch):
        """A supermask over weights with foreign signs is at chance, and the headline claim is refuted."""
        monkeypatch.setitem(kept_values.TREATMENTS, "constant_initial_sign", kept_values.TREATMENTS["constant"])
        assert verdict(zhou.test_supermask_is_far_above_chance, tmp_path, seeds=4) == "refuted"

    def test_union_taken_for_consensus(self, tmp_path, monkeypatch):
        """What any task keeps is not what all keep: it is more than each of them has, and the claim turns."""
        test, tasks = paganini.test_consensus_lies_between_chance_and_agreement, ("turned", "upended", "inverted")
        sound = judged(test, tmp_path / "sound")
        assert sound["verdict"] == "reproduced" and len(set(sound["tasks"].values())) == 4
        assert set(sound["tasks"]) == {"digits, standard", *(f"digits-{task}, standard" for task in tasks)}
        votes = comparison_parts.votes
        monkeypatch.setattr(comparison_parts, "votes", lambda masks: len(masks) * (votes(masks) > 0))
        assert verdict(test, tmp_path / "broken") == "refuted"

    def test_snip_upside_down(self, tmp_path, monkeypatch):
        """Keeping what the loss is least sensitive to loses to random masks; keeping the most beats them."""
        assert verdict(ours.test_scores_before_training_beat_random, tmp_path / "sound", seeds=6) == "reproduced"
        monkeypatch.setitem(
            criteria.CRITERIA, "snip_init", lambda w_init, gradient_init: -(w_init * gradient_init).abs()
        )
        assert verdict(ours.test_scores_before_training_beat_random, tmp_path / "turned", seeds=6) == "refuted"

    def test_planted_ticket_given_away(self, tmp_path, monkeypatch):
        """If the search is told where the ticket is, magnitude finds it, and the claim that all fail is refuted."""
        question = {"seeds": 14, "shares": (None,)}
        settings = SCALES["tiny"].settings
        for name in ("planted-circle-5", "planted-relu-5", "planted-helix-5"):
            brief = {training: shortened(name, training, 20, 10) for training in settings[name]}
            monkeypatch.setitem(settings, name, brief)

        def told(self, *arguments):
            return planted_networks.planted_masks(self.architecture.name, (self.experiment.seed,))[0]

        monkeypatch.setattr(search_part.SearchMask, "cut_once", told)
        assert verdict(planted.test_no_strong_tickets_in_one_shot, tmp_path, **question) == "refuted"


class TestSearchTurns:
    """Laws of searches for planted tickets."""

    def test_mask_forgotten_between_rounds(self, monkeypatch):
        """A ranking that lets pruned parameters back is noticed."""
        sound = search_part.ranking
        monkeypatch.setattr(
            search_part, "ranking", lambda scores, mask, generator: sound(scores, torch.ones_like(mask), generator)
        )
        with pytest.raises(AssertionError):
            test_search_part.test_counts_are_exact_and_masks_nested("snip", "global", test_search_part.CIRCLE)

    def test_one_data_set_for_all_seeds(self, monkeypatch):
        """The law that every seed has samples of its own notices."""
        sound = population.dataset
        monkeypatch.setattr(population, "dataset", lambda task, seed, noise=None: sound(task, 0, noise))
        with pytest.raises(AssertionError):
            test_search_part.test_draws_are_paired_by_seed_only()

    def test_biases_left_out_of_the_count(self, monkeypatch):
        """The count of what is planted notices."""
        sound = search_part.target_of
        monkeypatch.setattr(
            search_part,
            "target_of",
            lambda name: dataclasses.replace(sound(name), biases=tuple(0 * bias for bias in sound(name).biases)),
        )
        with pytest.raises(AssertionError):
            test_search_part.test_planted_count_is_the_whole_ticket()

    def test_scale_of_the_planting_lost(self, monkeypatch):
        """The planted mask no longer reads as the planted ticket."""
        sound = planted_networks.plant
        monkeypatch.setattr(
            planted_networks,
            "plant",
            lambda *arguments: dataclasses.replace(found := sound(*arguments), scale=torch.ones_like(found.scale)),
        )
        planted_networks.planting.cache_clear()
        try:
            with pytest.raises(AssertionError):
                test_search_part.test_the_planted_mask_reads_as_the_planted_ticket(test_search_part.CIRCLE)
        finally:
            planted_networks.planting.cache_clear()

    def test_trained_weights_not_reset(self, monkeypatch):
        """A round that goes on from trained weights is noticed: the start is no longer what was planted."""
        sound = search_part.train

        def train(population, start, *arguments):
            return start.copy_(sound(population, start, *arguments))

        monkeypatch.setattr(search_part, "train", train)
        with pytest.raises(AssertionError):
            test_search_part.test_counts_are_exact_and_masks_nested("snip", "global", test_search_part.CIRCLE)

    def test_biases_without_scores(self, monkeypatch):
        """Edge-popup that leaves biases alone keeps more of them than their share."""
        made = []
        monkeypatch.setattr(
            action_parts, "TopK", lambda *arguments, **more: made.append(learned_masks.TopK(*arguments)) or made[-1]
        )
        with pytest.raises(AssertionError):
            test_search_part.TestEdgePopup().test_parameters_stay_and_counts_hold(made)

    @pytest.mark.parametrize("name", ["gradient", "curvature", "flow"])
    def test_mask_ignored_in_a_derivative(self, monkeypatch, name):
        """Scores of the whole network instead of the masked one are not the formula's."""
        monkeypatch.setattr(saliency.Saliency, "_cut", lambda self, part, values: values)
        method = {"gradient": "snip", "curvature": "grasp", "flow": "synflow"}[name]
        with pytest.raises(AssertionError):
            test_saliency.test_scores_equal_the_formula(method, "perceptron", "init")


class TestLawsTurn:
    """Each test of a law passes in the suite; here it must fail."""

    def test_one_weight_too_few_pruned(self, monkeypatch):
        """The exact counts of every round notice."""
        monkeypatch.setattr(chains, "keep", lambda ranks, count, shape: (ranks < count + 1).view(shape))
        with pytest.raises(AssertionError):
            test_experiments.TestMasks().test_chain_masks_are_nested_with_exact_counts("large_final")

    def test_output_layer_pruned_at_the_full_rate(self, monkeypatch):
        """The counts by hand notice."""
        monkeypatch.setattr(architectures.Architecture, "rate", lambda self, layer: architectures.Fraction(1, 5))
        architectures.Architecture.kept.cache_clear()
        try:
            with pytest.raises(AssertionError):
                test_networks.test_kept_counts_follow_the_floor()
        finally:
            architectures.Architecture.kept.cache_clear()

    def test_one_data_order_for_all_seeds(self, monkeypatch):
        """The law that each seed has its own order notices."""
        sound = data_order.stream
        monkeypatch.setattr(data_order, "stream", lambda seed, *purpose: sound(0, *purpose))
        with pytest.raises(AssertionError):
            test_oracle.test_data_order_is_the_plain_one()

    def test_survivors_not_reset(self, monkeypatch):
        """Bit-equality of survivors with their start notices."""
        monkeypatch.setitem(kept_values.TREATMENTS, "rewind", lambda w_init: w_init + 1e-3)
        with pytest.raises(AssertionError):
            test_experiments.TestStarts().test_survivors_are_bit_equal_to_their_start()

    def test_reinit_drawn_once_for_all_rounds(self, monkeypatch):
        """The law that every round draws anew notices."""
        sound = chains.stream
        monkeypatch.setattr(
            chains, "stream", lambda seed, purpose, name, round, *rest: sound(seed, purpose, name, 0, *rest)
        )
        with pytest.raises(AssertionError):
            test_experiments.TestStarts().test_reinit_is_drawn_anew_each_round()

    @pytest.mark.parametrize("optimiser", ["adam", "sgd"])
    def test_mask_not_held(self, monkeypatch, digits, optimiser):
        """Pruned weights that the optimiser revives are found after one step."""
        monkeypatch.setattr(Descent, "step", _step_without_mask(Descent.step))
        with pytest.raises(AssertionError):
            test_training.TestFrozen().test_pruned_weights_stay_at_zero_after_every_step(digits, optimiser, 0.0)

    def test_mask_applied_before_weight_decay(self, monkeypatch, precise_digits):
        """Frozen weights that are not zero decay: the oracle notices."""

        def step(self):
            self._gradient.mul_(self._trainable)
            decay, trainable, self._trainable = self._config.weight_decay, self._trainable, None
            self._gradient.add_(self._block, alpha=decay)
            object.__setattr__(self, "_config", dataclasses.replace(self._config, weight_decay=0.0))
            sound(self)
            self._config, self._trainable = dataclasses.replace(self._config, weight_decay=decay), trainable

        sound = Descent.step
        monkeypatch.setattr(Descent, "step", step)
        with pytest.raises(AssertionError):
            test_oracle.test_engine_equals_plain_loop(
                precise_digits, test_oracle.RECIPES["adam with weight decay"], "rewind", True
            )

    def test_negative_weights_frozen(self, monkeypatch, digits):
        """The law that survivors of both signs move notices."""

        def step(self):
            self._gradient.mul_(self._block >= 0)
            sound(self)

        sound = Descent.step
        monkeypatch.setattr(Descent, "step", step)
        with pytest.raises(AssertionError):
            test_training.TestFrozen().test_survivors_of_both_signs_move(digits)

    def test_biases_pruned(self, monkeypatch):
        """The law that every bias may move notices."""
        sound = perceptrons.Layout.trainable

        def trainable(self, masks):
            block = sound(self, masks)
            block[self.biases[0]] = 0
            return block

        monkeypatch.setattr(perceptrons.Layout, "trainable", trainable)
        with pytest.raises(AssertionError):
            test_experiments.TestMasks().test_large_final_keeps_the_largest()

    def test_test_and_validation_swapped(self, monkeypatch, digits):
        """Measurements recomputed by hand notice."""
        sound = training_helpers.train

        def train(network, data, *rest):
            return sound(network, dataclasses.replace(data, test=data.validation, validation=data.test), *rest)

        monkeypatch.setattr(test_training, "train", train)
        with pytest.raises(AssertionError):
            test_training.test_measurements_are_of_the_parts_they_name(digits)

    def test_early_stop_by_the_wrong_end(self, monkeypatch, digits):
        """The curve's own minimum notices."""
        sound = observers.EarlyStop.note
        monkeypatch.setattr(
            observers.EarlyStop, "note", lambda self, iteration, loss, *others: sound(self, iteration, -loss, *others)
        )
        with pytest.raises(AssertionError):
            test_training.TestEarlyStop().test_first_of_equal_minima()

    def test_early_stopping_that_really_stops(self, monkeypatch, digits):
        """A curve that ends at its minimum is too short."""
        monkeypatch.setattr(
            config.Config, "looks", lambda self, iteration: iteration % self.interval == 0 and iteration < 120
        )
        with pytest.raises(AssertionError):
            test_training.TestEarlyStop().test_is_the_minimum_of_the_curve(digits)

    def test_chain_instead_of_branch(self, monkeypatch, tmp_path):
        """A branch that follows masks of its own is found by what it depends on, and by its masks."""
        own = mask_parts.IterativeMask

        def parents(self):
            arm = chain("large_final", self.experiment.arm.start.treatment)
            return own(self.experiment.of(arm, self.experiment.round)).parents()

        monkeypatch.setattr(mask_parts.FromMask, "parents", parents)
        all_parts.parents.cache_clear()
        with pytest.raises(AssertionError):
            test_experiments.TestParents().test_branch_hangs_on_the_rewinding_chain()
        all_parts.parents.cache_clear()

    def test_seeds_of_ties_shared_with_position(self, monkeypatch):
        """Ties broken by position instead of by a draw make two seeds' random masks equal."""
        monkeypatch.setattr(chains, "ranking", lambda scores, mask, generator: _rank_by_position(scores, mask))
        with pytest.raises(AssertionError):
            test_experiments.TestMasks().test_criteria_and_seeds_choose_differently()

    def test_optimiser_state_carried_over(self, monkeypatch, digits):
        """Moments that survive into the next training make the same request give other bits."""
        sound, kept = Descent.__init__, {}

        def init(self, block, gradient, trainable, config, rates):
            sound(self, block, gradient, trainable, config, rates)
            first, second, self._steps = kept.setdefault(block.shape, (self._first, self._second, self._steps))
            self._parts = [[block, gradient, first, second]]

        monkeypatch.setattr(Descent, "__init__", init)
        with pytest.raises(AssertionError):
            test_training.TestReplicas().test_twice_the_same(digits)

    def test_one_learning_rate_for_all(self, monkeypatch, digits):
        """A batch that trains every replica at the first one's rate is found by replicas with rates of their own."""
        sound = Descent.__init__
        monkeypatch.setattr(
            Descent, "__init__", lambda self, *others: sound(self, *others[:-1], [others[-1][0]] * len(others[-1]))
        )
        with pytest.raises(AssertionError):
            test_training.TestReplicas().test_learning_rate_is_a_replicas_own(digits, "adam")

    def test_only_chosen_scores_learn(self, monkeypatch, precise_digits):
        """Top-k scores whose gradient stops where nothing is chosen can never come back."""
        sound = learned_masks.TopK.pull_back

        def stopped(self):
            sound(self)
            self.gradient.mul_(self._kept)

        monkeypatch.setattr(learned_masks.TopK, "pull_back", stopped)
        with pytest.raises(AssertionError):
            test_learned_masks.test_top_k_gradient_goes_straight_through_the_choice(precise_digits)

    @pytest.mark.parametrize("rescaled", [False, True])
    def test_straight_through_removed(self, monkeypatch, precise_digits, rescaled):
        """A gradient that stops at the drawn mask is zero: autograd of the formula notices."""
        monkeypatch.setattr(learned_masks.Bernoulli, "pull_back", lambda self: self.gradient.zero_())
        with pytest.raises(AssertionError):
            test_learned_masks.test_gradient_equals_autograd_of_the_formula(precise_digits, rescaled)

    def test_gradient_stopped_through_the_count(self, monkeypatch, precise_digits):
        """Rescaling whose count is taken for a constant: autograd of the formula notices."""

        def pull_back(self):
            chance = self._chance
            for by_mask, g, w, factor in zip(
                *map(self._layout.weight_views, (self.gradient, self.effective_gradient, self._weights)),
                self._factors(),
            ):
                by_mask.copy_(g * w * factor)
            self.gradient.mul_(chance * (1 - chance))

        monkeypatch.setattr(learned_masks.Bernoulli, "pull_back", pull_back)
        with pytest.raises(AssertionError):
            test_learned_masks.test_gradient_equals_autograd_of_the_formula(precise_digits, True)

    def test_supermask_thresholded_at_evaluation(self, monkeypatch):
        """A mask that is rounded instead of drawn keeps everything or nothing: its share notices."""

        def refresh(self):
            torch.sigmoid(self.trained, out=self._chance)
            self._kept.copy_(self._chance > 0.5)
            torch.mul(self._weights, self._kept, out=self.effective)

        monkeypatch.setattr(learned_masks.Bernoulli, "refresh", refresh)
        with pytest.raises(AssertionError):
            test_learned_masks.test_masks_are_drawn_with_their_probability()

    def test_replicas_that_leak(self, monkeypatch, digits):
        """A gradient that is normalised over the whole batch of networks breaks the law of company."""
        sound = perceptrons.Perceptrons.set_gradient

        def set_gradient(self, *arguments, **named):
            sound(self, *arguments, **named)
            gradient = named.get("out", arguments[-1])
            gradient /= gradient.norm()

        monkeypatch.setattr(perceptrons.Perceptrons, "set_gradient", set_gradient)
        with pytest.raises(AssertionError):
            test_training.TestReplicas().test_result_does_not_depend_on_company_digits(digits, 2)


def _step_without_mask(sound):
    def step(self):
        self._trainable = None
        sound(self)

    return step


def _rank_by_position(scores, mask):
    order = scores.flatten().masked_fill(~mask.flatten(), -torch.inf).argsort(descending=True, stable=True)
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(len(order))
    return ranks


def test_a_chain_is_not_a_branch():
    """The two are different arms with different names, so neither can stand in for the other in a store."""
    of_chain, of_branch = chain("large_final", "reinit"), branch("large_final", "reinit")
    assert of_chain != of_branch and of_chain.name != of_branch.name
