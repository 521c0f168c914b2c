"""Can each law fail? Subtle bugs of a line each, that no test noticed, or one only by accident, and what now does.

Three kinds: a distribution of which one moment alone was tested; a test whose oracle used the code under test, or a
constant of it; a case too small for the bug to make a difference.
"""

import dataclasses

import pytest

from lottery.claims import image_quantities, planted_quantities
from lottery.data import catalogue, made_tasks
from lottery.experiments import chain_masks, laws, scales, search_part
from lottery.experiments.scales import PLANTED_SCORES, SCALES
from lottery.masks import kept_values, mask_statistics, pruned_values, ranking, saliency
from lottery.models import architectures, evaluation
from lottery.planting import planted_networks, planting, readings
from lottery.training import augmentation, data_order, fit, learned_masks, observers, schedules
from tests import (
    test_augmentation,
    test_experiments,
    test_fit,
    test_kept_values,
    test_laws,
    test_learned_masks,
    test_mask_statistics,
    test_planted_quantities,
    test_planting,
    test_preprocessing,
    test_quantities,
    test_ranking,
    test_saliency,
    test_search_part,
    test_targets,
)
from tests.mutations import called, mutated

loaded = test_preprocessing.loaded  # a fixture
CIRCLE, RELU = test_planted_quantities.CIRCLE, test_planted_quantities.RELU
UNIFORM = "3**0.5 * (2 * torch.rand({}) - 1)"

DISTRIBUTIONS = {
    "reinit uniform": (
        kept_values.reinit, "return initialiser(generator)",
        "w = initialiser(generator)\n    return w.std() * 3**0.5 * (2 * torch.rand(w.shape, generator=generator) - 1)",
        test_kept_values.test_reinit_draws_anew_from_the_same_distribution, {},
    ),
    "hosts uniform": (
        planting.hosts, "torch.randn(shape, generator=g, dtype=torch.float64)",
        UNIFORM.format("shape, generator=g, dtype=torch.float64"),
        test_planting.test_hosts_have_their_deviations, {},
    ),
    "weights and biases of hosts by one stream": (
        planting.hosts, '"host", what, place', '"host", place',
        test_planting.test_hosts_have_their_deviations, {},
    ),
    "noise on weights uniform": (
        kept_values.noisy, "torch.randn(w_init.shape, generator=generator)",
        UNIFORM.format("w_init.shape, generator=generator"),
        test_kept_values.test_noise_has_its_size, {"name": "noise_one", "deviations": 1},
    ),
    "noise on weights by their size": (
        kept_values.noisy, "scale(w_init)", "w_init.abs()",
        test_kept_values.test_noise_has_its_size, {"name": "noise_two", "deviations": 2},
    ),
    "noise on observations uniform": (
        made_tasks.draw, "torch.randn(outputs.shape, generator=generator, dtype=torch.float64)",
        UNIFORM.format("outputs.shape, generator=generator, dtype=torch.float64"),
        test_targets.test_samples_have_streams_of_their_own, {},
    ),
    "noise on observations common to all outputs": (
        made_tasks.draw, "torch.randn(outputs.shape, ", "torch.randn((count, 1), ",
        test_targets.test_samples_have_streams_of_their_own, {},
    ),
    "signs balanced": (
        kept_values.random_signs, "torch.randint(0, 2, w_init.shape, generator=generator)",
        "(torch.randperm(w_init.numel(), generator=generator) % 2).view(w_init.shape)",
        test_kept_values.test_signs_are_coins_of_their_own, {"name": "constant"},
    ),
    "reshuffling turns in a circle": (
        kept_values.reshuffle, "kept[torch.randperm(len(kept), generator=generator)]",
        "kept.roll(int(torch.randint(1, len(kept), (), generator=generator)))",
        test_kept_values.test_reshuffling_knows_every_order, {},
    ),
    "resampling never takes the last": (
        kept_values.resample, "torch.randint(0, max(1, len(kept))", "torch.randint(0, max(1, len(kept) - 1)",
        test_kept_values.test_resampling_favours_none, {},
    ),
    "ties turn in a circle": (
        ranking.ranking, "torch.randperm(scores.numel(), generator=generator)",
        "torch.arange(n := scores.numel()).roll(int(torch.randint(n, (), generator=generator)))",
        test_ranking.test_ties_know_every_order, {},
    ),
    "masks that favour every fourth weight": (
        learned_masks.Bernoulli.refresh, "dtype=row.dtype, device=row.device)",
        "dtype=row.dtype, device=row.device).view(-1, 4).sort(1).values.flatten()",
        test_learned_masks.test_every_weight_is_kept_by_its_own_chance, {},
    ),
    "scores start positive": (
        learned_masks.TopK.__init__, "(2 * drawn - 1)", "drawn",
        test_learned_masks.test_scores_start_uniform_within_their_fan, {"biases": True},
    ),
    "images scored from the first half": (
        chain_masks.scored_images, "torch.randperm(len(data.images), ", "torch.randperm(len(data.images) // 2, ",
        test_saliency.test_images_that_are_scored_are_any_training_images, {},
    ),
    "chance prunes the first": (
        mask_statistics.pruning, "places[torch.randperm(len(places), generator=generator)[: int(newly.sum())]]",
        "places[: int(newly.sum())]",
        test_mask_statistics.test_chance_prunes_any_that_were_trained, {},
    ),
    "augmentation shared between seeds": (
        data_order.DataOrder.__init__, 'stream(*order, "augmentation")', 'stream(0, "augmentation")',
        test_augmentation.TestDrawn().test_every_seed_and_round_has_variants_of_its_own, {},
    ),
    "augmentation shared between rounds": (
        data_order.DataOrder.__init__, 'stream(*order, "augmentation")', 'stream(order[0], "augmentation")',
        test_augmentation.TestDrawn().test_every_seed_and_round_has_variants_of_its_own, {},
    ),
    "images never shifted to the last place": (
        data_order.DataOrder._drawn, "torch.randint(self._variants, ", "torch.randint(self._variants - 2, ",
        test_augmentation.TestDrawn().test_all_variants_are_equally_likely, {},
    ),
    "zeros of the control at the first places": (
        pruned_values.variant_1_shuffled, "places[torch.randperm(len(places), generator=generator)[:",
        "places[torch.arange(len(places))[:",
        test_experiments.TestPruned().test_shuffled_control_is_blind, {},
    ),
}  # fmt: skip
OWN_ORACLES = {
    "biases of hosts not scaled through depth": (
        planting.hosts, "product *= deviation", "product = deviation",
        test_planting.test_hosts_are_homogeneous, {"factor": 0.5},
    ),
    "neurons matched by product": (
        planting._match, "product.square() / square", "product.square()",
        test_planting.test_planting_is_the_papers_algorithm, {"seed": 0},
    ),
    "counts of shares rounded down": (
        search_part.count, "round(share * parameters)", "int(share * parameters)",
        test_search_part.test_a_share_is_rounded_to_the_nearest_count, {},
    ),
    "scores of a round by the whole network": (
        chain_masks.ranks, "parameters, by_name, images", "parameters, {}, images",
        test_saliency.test_grasp_of_a_round_looks_through_the_mask_of_the_one_before, {},
    ),
    "scores of a round on the first round's images": (
        chain_masks.ranks, "scored_images(experiment, round)", "scored_images(experiment, 0)",
        test_saliency.test_grasp_of_a_round_looks_through_the_mask_of_the_one_before, {},
    ),
    "pruned parameters scored at zero": (
        search_part.SearchMask.cut_all.__func__, "torch.where(masks, final, start).cpu()", "final.cpu()",
        test_saliency.test_a_search_scores_what_is_pruned_where_it_was_planted, {},
    ),
    "planted weights compared with all": (
        planted_networks.size_ratios, "size[~mask].mean()", "size.mean()",
        test_planting.test_sizes_are_compared_with_the_others, {"task": "circle"},
    ),
    "preprocessing by each part's own statistics": (
        catalogue.load, "prepare(images)", "PREPROCESSINGS[preprocessing](images)(images)",
        test_preprocessing.test_nothing_is_estimated_on_held_out_images, {"preprocessing": "standard"},
    ),
    "levels of test images by training images": (
        observers.constant, "part(part)", 'part("train")', test_fit.test_levels_are_of_the_parts_that_they_name, {},
    ),
    "steps of all parts by test images": (
        observers.step, "part(part)", 'part("test")', test_fit.test_levels_are_of_the_parts_that_they_name, {},
    ),
}  # fmt: skip
SMALL_CASES = {
    "criteria scored on test images": (
        chain_masks.scored_images, ").train", ").test",
        test_saliency.test_images_that_are_scored_are_training_images, {"method": "snip"},
    ),
    "learned masks measured on validation images": (
        observers.MaskedAccuracies.end, 'state.evaluate("test")', 'state.evaluate("validation")',
        test_learned_masks.test_masks_are_measured_on_test_images, {},
    ),
    "untrained masks measured on validation images": (
        evaluation.untrained_scores, "data.test.images, data.test.labels",
        "data.validation.images, data.validation.labels",
        test_learned_masks.test_untrained_masks_are_measured_on_test_images, {},
    ),
    "below the planted ticket with one sign": (
        planted_quantities.below_planted, "else 1", "else -1",
        test_planted_quantities.test_worse_than_the_planted_ticket_is_above_zero, {"arm": RELU, "ticket": "weak"},
    ),
    "accurate at a tenth of the constant's error": (
        planted_quantities.accurate, "/ 100 /", "/ 10 /",
        test_planted_quantities.test_accurate_is_near_the_ticket_or_a_hundredth_of_the_constants_error, {},
    ),
    "chance of the first round": (
        planted_quantities.enrichment, '/ measured["chance"][round - 1]', '/ measured["chance"][0]',
        test_planted_quantities.test_recovery_is_read_at_its_round, {},
    ),
    "connected without the last layer": (
        readings.kept_parts, "for name in names:", "for name in names[:-1]:",
        test_planting.test_connected_is_a_path_through_every_layer, {},
    ),
    "best of twelve rungs": (
        image_quantities.best_rung, "in SUPERMASK_ROUNDS", "in range(12)",
        test_quantities.test_the_best_rung_is_any_of_25, {"best": 18},
    ),
    "never reached, capped by another run's length": (
        image_quantities.iterations_to, ', 2 * measured["iterations"])\n', ", 400)\n",
        test_quantities.test_iterations_to_a_level, {},
    ),
    "recall above the chance of the first round": (
        planted_quantities.recall_above_chance, 'measured["chance"][-1]', 'measured["chance"][0]',
        test_planted_quantities.test_recovery_is_read_at_its_round, {},
    ),
    "deviation over masks of ten instead of nine": (
        observers.MaskedAccuracies.measurements, "correction=min(1, len(drawn) - 1)", "correction=0",
        test_learned_masks.test_drawn_masks_are_measured_on_test_images_ten_times, {},
    ),
    "crops mirrored upside down": (
        augmentation.FlipAndCrop.__init__, "of.flip(1) if mirrored", "of.flip(0) if mirrored",
        test_augmentation.test_variants_are_torchvisions, {"shape": (2, 9, 9)},
    ),
    "annealed beyond the share": (
        fit._done_then, "min(1.0, (iteration - 1 + config.interval) / config.iterations)",
        "(iteration - 1 + config.interval) / config.iterations",
        test_fit.test_annealing_ends_at_the_share_and_not_beyond, {"iterations": 80},
    ),
    "layers without any weight": (
        learned_masks.TopK.refresh, " or int(part in self._layout.weights)", "",
        test_learned_masks.test_a_layer_keeps_one_weight_at_least, {},
    ),
    "censored in the last thirtieth": (
        observers.EarlyStop.measurements, "0.9 * length", "0.97 * length", test_fit.test_censored_is_the_last_tenth, {},
    ),
    "a cosine that stays at its middle": (
        schedules.Schedule.factor, "done // interval * interval", "min(done // interval * interval, iterations // 2)",
        test_learned_masks.test_edge_popup_slows_down_by_half_a_cosine, {"name": "planted-relu-5"},
    ),
}  # fmt: skip
MUTATIONS = DISTRIBUTIONS | OWN_ORACLES | SMALL_CASES
CONSTANTS = {
    "GraSP's temperature": (
        saliency, "TEMPERATURE", 100,
        test_saliency.test_scores_equal_the_formula, {"method": "grasp", "case": "perceptron", "moment": "init"},
    ),
    "classes of a search's samples": (
        search_part, "CLASSES", 10,
        test_saliency.test_samples_that_a_search_scores_are_nobody_elses, {"name": "planted-circle-5"},
    ),
    "masks of a final accuracy": (
        learned_masks.Bernoulli, "draws", 2,
        test_learned_masks.test_drawn_masks_are_measured_on_test_images_ten_times, {},
    ),
    "width of a valley": (
        mask_statistics, "NEAR_ZERO", 0.5,
        test_mask_statistics.test_a_valley_is_a_quarter_of_a_deviation_wide, {"reach": 0.251, "found": False},
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh():
    """Forget what was worked out by sound source before, and by a mutation's after."""
    caches = [planted_networks.planting, laws.layers, architectures.Architecture.weights_remaining, made_tasks.dataset]
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_law_notices_the_mutation(name, request):
    """It passes in the suite; with the one line edited it fails, and not for another reason than its assertion."""
    function, old, new, law, arguments = MUTATIONS[name]
    with mutated(function, old, new), pytest.raises(AssertionError):
        called(law, request, **arguments)


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_law_notices_the_constant(name, monkeypatch, request):
    """A constant of the source that a test does not take from there."""
    where, constant, value, law, arguments = CONSTANTS[name]
    monkeypatch.setattr(where, constant, value)
    with pytest.raises(AssertionError):
        called(law, request, **arguments)


def test_edge_popup_without_its_cosine_is_noticed(monkeypatch, request):
    """As a setting that forgets the schedule."""
    setting = SCALES["tiny"].settings["planted-relu-5"][PLANTED_SCORES]
    config = dataclasses.replace(setting.config, schedule=schedules.CONSTANT)
    changed = {PLANTED_SCORES: dataclasses.replace(setting, config=config)}
    monkeypatch.setitem(scales.SCALES["tiny"].settings, "planted-relu-5", changed)
    with pytest.raises(AssertionError):
        called(test_learned_masks.test_edge_popup_slows_down_by_half_a_cosine, request, name="planted-relu-5")


@pytest.mark.parametrize("change", [test_laws.uniform, test_laws.normal])
def test_reinitialisations_of_another_shape_are_noticed(change):
    """Of the same variance, in the layers as they are: the structural claim about reinitialisation is refuted."""

    def redrawn(layer):
        return laws.redrawn_alike(dataclasses.replace(layer, redrawn=change(layer.redrawn)))

    assert laws.everywhere("lenet-300-100", laws.redrawn_alike) and not laws.everywhere("lenet-300-100", redrawn)
