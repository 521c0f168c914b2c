"""Scales: what stands in for what, and recipes that give early stopping something to find."""

import dataclasses
from pathlib import Path
from statistics import median

import pytest
from scipy.stats import kstest, norm

from lottery.claims import entries
from lottery.claims.resolved import lacks
from lottery.core.errors import LotteryError
from lottery.experiments.network_data import data_of
from lottery.experiments.scales import (
    ACCURACY,
    BRIEF,
    CONVOLUTIONAL,
    EARLY_STOP,
    FULL_LENGTH,
    PAPER_ITERATIONS,
    PREPROCESSED,
    RESCALED,
    SCALES,
    SGD,
    SUPERMASK,
    SWEPT,
    scale,
)
from lottery.models.architectures import ARCHITECTURES, network
from lottery.models.initialisers import initial_weights
from lottery.training.config import Config, Setting
from tests.conftest import replica
from tests.training_helpers import train

LENET = "lenet-300-100"
ENTRIES = entries.read(Path(__file__).parent.parent / "expected" / "frankle_carbin_2019.toml")


@pytest.mark.parametrize("name", [LENET, "conv-2"])
def test_dense_early_stop_of_digits_comes_before_the_middle(name):
    """The median dense network of the tiny scale overfits in the first half of its run; few are censored."""
    setting = SCALES["tiny"].setting(name, EARLY_STOP)
    replicas = [replica(setting.network, seed) for seed in range(10)]
    outcomes = train(setting.network, data_of(setting), setting.config, replicas)
    stops = [outcome.measurements["early_stop_iteration"] for outcome in outcomes]
    assert median(stops) < setting.config.iterations / 2
    assert sum(outcome.measurements["censored"] for outcome in outcomes) < 2


def test_dense_early_stop_of_mnist_comes_before_the_middle(real_mnist):
    """The same for LeNet at the reduced scale: one seed on real MNIST, in two thirds of the run."""
    setting = SCALES["reduced"].setting(LENET, EARLY_STOP)
    config = dataclasses.replace(setting.config, iterations=setting.config.iterations * 2 // 3)
    measured = train(setting.network, real_mnist, config, [replica(setting.network, 0)])[0].measurements
    assert measured["early_stop_iteration"] < setting.config.iterations / 2
    assert 97.4 < measured["test_accuracy_early_stop"] < 98.5


def test_full_length_is_the_papers_length():
    """Reduced trains as long as the paper where a claim needs it, and as the paper in all else."""
    for name in ("reduced", "paper"):
        config = SCALES[name].setting(LENET, FULL_LENGTH).config
        assert config.iterations == PAPER_ITERATIONS[LENET][FULL_LENGTH] == 55 * (55_000 // 60)
        assert (config.optimiser, config.learning_rate, config.batch_size, config.weight_decay) == (
            "adam",
            1.2e-3,
            60,
            0,
        )


class TestConvolutionalNetworks:
    """Conv-2, Conv-4 and Conv-6: as published at `paper`, narrow at `reduced`, Conv-2 alone in miniature at `tiny`."""

    # Frankle & Carbin's Fig. 2
    PRINTED = {"conv-2": (2e-4, 20_000), "conv-4": (3e-4, 25_000), "conv-6": (3e-4, 30_000)}

    @pytest.mark.parametrize("name", PRINTED)
    def test_paper_trains_as_published(self, name):
        """Whatever is asked of weights is one training: Adam, batches of 60, looks every 100 iterations."""
        settings = SCALES["paper"].settings[name]
        (published,) = {settings[training] for training in (EARLY_STOP, ACCURACY, FULL_LENGTH)}
        rate, iterations = self.PRINTED[name]
        assert published == Setting(name, "cifar10", Config("adam", rate, 60, iterations, 100))
        assert PAPER_ITERATIONS[name][FULL_LENGTH] == iterations

    @pytest.mark.parametrize("name", PRINTED)
    def test_masks_learn_as_long_as_the_papers(self, name):
        """Batches of 250 of 45,000 images; with the paper's lengths nothing is lacking."""
        for training in (SUPERMASK, RESCALED):
            setting = SCALES["paper"].setting(name, training)
            epochs = setting.config.iterations * 250 / 45_000
            assert setting.config.batch_size == 250 and setting.config.momentum == 0.9 and epochs in range(300, 2_001)
            assert lacks(entries.Needs(dataset="cifar10", network=name, training=training), training, setting) == ""

    @pytest.mark.parametrize("name", PRINTED)
    def test_reduced_trains_a_quarter_of_the_width(self, name):
        """At the published rates and batch, and shorter; for early stop twice as long as for accuracies."""
        reduced, paper = (SCALES[of].settings[name] for of in ("reduced", "paper"))
        assert reduced[EARLY_STOP].config.iterations == 6_000 == 2 * reduced[ACCURACY].config.iterations
        for training, setting in reduced.items():
            assert (setting.network, setting.dataset) == (f"{name}-quarter", "cifar10")
            assert setting.config.learning_rate == paper[training].config.learning_rate
            assert setting.config.batch_size == 60 and setting.config.iterations < paper[training].config.iterations
            whole, narrow = (one.architecture.layers for one in (paper[training], setting))
            assert [layer.shape[0] for layer in whole[:-1]] == [4 * layer.shape[0] for layer in narrow[:-1]]

    @pytest.mark.parametrize("name", PRINTED)
    @pytest.mark.parametrize("of", ["reduced", "paper"])
    def test_other_pixels_are_all_that_differs(self, of, name):
        """Three trainings until early stop, each with its own pixels."""
        settings = SCALES[of].settings[name]
        until_early_stop = [settings[training] for training in (EARLY_STOP, *PREPROCESSED)]
        assert [setting.preprocessing for setting in until_early_stop] == ["unit", "standard", "per image"]
        assert len({dataclasses.replace(setting, preprocessing="unit") for setting in until_early_stop}) == 1

    def test_tiny_has_a_miniature_of_conv_2_alone(self):
        """And all of its trainings that a claim at tiny can name."""
        assert [name for name in CONVOLUTIONAL if name in SCALES["tiny"].settings] == ["conv-2"]
        settings = SCALES["tiny"].settings["conv-2"]
        assert {(one.network, one.dataset) for one in settings.values()} == {("conv-2-miniature", "digits")}
        assert set(settings) == {EARLY_STOP, ACCURACY, FULL_LENGTH, SUPERMASK, RESCALED}


@pytest.mark.parametrize(
    "network, dataset, training, iterations, lacking",
    [
        (LENET, "mnist", FULL_LENGTH, 50_380, ""),
        (LENET, "mnist", EARLY_STOP, 12_000, ""),
        (LENET, "mnist", FULL_LENGTH, 12_000, "needs 50,380 iterations, this scale trains 12,000"),
        ("conv-2", "mnist", FULL_LENGTH, 19_999, "needs lenet-300-100, this scale trains conv-2"),
        ("lenet-96-48", "mnist", EARLY_STOP, 50_380, "needs lenet-300-100, this scale trains lenet-96-48"),
        (LENET, "digits", EARLY_STOP, 50_380, "needs mnist, this scale trains on digits"),
    ],
)
def test_what_a_scale_lacks(network, dataset, training, iterations, lacking):
    """Other data, another network or a shorter training make an analogue."""
    setting = Setting(network, dataset, Config("adam", 1e-3, 60, iterations, 100))
    assert lacks(entries.Needs(dataset="mnist", network=LENET, training=training), training, setting) == lacking


def test_unknown_scale_is_named():
    """The message says which scales there are."""
    with pytest.raises(LotteryError, match="no scale 'huge'.*tiny, reduced, paper"):
        scale("huge")


@pytest.mark.parametrize("field, value", [("optimiser", "lion"), ("data_order", "sorted")])
def test_unknown_recipe_settings_are_refused(field, value):
    """A config cannot ask for what the engine does not know."""
    with pytest.raises(ValueError, match=f"'{value}' is not one of"):
        dataclasses.replace(SCALES["tiny"].setting(LENET, EARLY_STOP).config, **{field: value})


def test_brief_training_stops_at_75_per_cent(real_mnist):
    """The fixed number of iterations stands for a stop at 75 % of the validation images, within five points."""
    setting = SCALES["reduced"].setting(LENET, BRIEF)
    ends = [
        outcome.measurements["validation_accuracy"][-1]
        for outcome in train(LENET, real_mnist, setting.config, [replica(LENET, seed) for seed in range(3)])
    ]
    assert 70 < sum(ends) / len(ends) < 80


class TestSweeps:
    """Frankle & Carbin's appendix G: every scale has each variant, which differs from its network in one thing."""

    @pytest.mark.parametrize("name", SCALES)
    def test_a_training_of_the_sweep_differs_in_its_optimiser(self, name):
        """Batch and number of looks stay; two rates of one optimiser are as far apart as the paper's."""
        settings = SCALES[name].settings[LENET]
        usual = settings[EARLY_STOP].config
        for training, (optimiser, rate, momentum) in SWEPT.items():
            config = settings[training].config
            assert (config.optimiser, config.momentum) == (optimiser, momentum)
            assert config.iterations / config.interval == usual.iterations / usual.interval
            may_differ = ("optimiser", "learning_rate", "momentum", "iterations", "interval")
            assert dataclasses.replace(config, **{name: getattr(usual, name) for name in may_differ}) == usual
            factor = settings[SGD].config.learning_rate / 0.8 if optimiser == "sgd" else usual.learning_rate / 1.2e-3
            assert config.learning_rate == pytest.approx(rate * factor)

    @pytest.mark.parametrize("name, longest", [("tiny", 5), ("reduced", 1), ("paper", 1)])
    def test_slow_rates_train_longer_in_the_miniature(self, name, longest):
        """In proportion to the usual rate of the optimiser; momentum counts as the tenfold that it comes to."""
        settings = SCALES[name].settings[LENET]
        usual = {"adam": settings[EARLY_STOP].config, "sgd": settings[SGD].config}
        for training in SWEPT:
            config = settings[training].config
            slower = usual[config.optimiser].learning_rate / config.learning_rate * (1 - config.momentum)
            times = config.iterations / usual[config.optimiser].iterations
            assert times == pytest.approx(min(max(slower, 1), longest)), training

    @pytest.mark.parametrize("name", SCALES)
    def test_a_variant_differs_from_its_network_in_one_thing(self, name):
        """In pruning rates, in initialisation or in width; never in how it is trained."""
        usual = SCALES[name].setting(LENET, EARLY_STOP)
        for variant in (name for name in ARCHITECTURES if name.startswith(f"{LENET}-")):
            setting = SCALES[name].setting(variant, EARLY_STOP)
            assert setting.config == usual.config and setting.dataset == usual.dataset
            one, other = setting.architecture, usual.architecture
            same = [
                one.pruned_per_round == other.pruned_per_round,
                one.initialiser == other.initialiser,
                [layer.shape for layer in one.layers] == [layer.shape for layer in other.layers],
            ]
            assert sum(same) == 2, variant

    @pytest.mark.parametrize("deviation", [0.025, 0.1, 0.4])
    def test_a_deviation_is_that_of_every_layer(self, deviation):
        """Told by Kolmogorov and Smirnov's test against the normal distribution of that deviation."""
        name = f"{LENET}-normal-{deviation}".replace(".", "_")
        for weights in initial_weights(network(name), 0):
            assert kstest(weights.flatten().numpy(), norm(0, deviation).cdf).pvalue > 1e-4


def asked(claim):
    """Yield the network that stands in for LeNet-300-100 and the rounds, at every scale that asks this claim."""
    entry = ENTRIES[f"frankle_carbin2019.{claim}"]
    for name in SCALES:
        if not entry.question(name).skip:
            yield SCALES[name].setting(LENET, EARLY_STOP).network, entry.question(name).rounds


def left(name, round):
    return sum(network(name).kept(round))


def rounds_at_paper(claim):
    return ENTRIES[f"frankle_carbin2019.{claim}"].question("paper").rounds


class TestRungs:
    """Frankle & Carbin's entries ask at the sizes that their words name, in the miniature as well."""

    @pytest.mark.parametrize(
        "claim, first, second",
        [
            (f"wide_tickets_are_better_at_equal_count[{LENET}]", "", "-narrow"),
            (f"slow_pruning_beats_fast[{LENET}-20-over-60]", "", "-pruned-by-60"),
            (f"slow_pruning_beats_fast[{LENET}-20-over-40]", "", "-pruned-by-40"),
            (f"slow_pruning_beats_fast[{LENET}-10-over-40]", "-pruned-by-10", "-pruned-by-40"),
        ],
    )
    def test_what_should_be_better_has_no_more_weights(self, claim, first, second):
        """The slowly pruned or wide network is asked at the rung that leaves it about as many weights, and no more."""
        for name, (one, other) in asked(claim):
            assert 0.75 * left(name + second, other) < left(name + first, one) <= left(name + second, other), name

    def test_what_should_be_equal_has_as_many_weights(self):
        """Within a tenth: wide against narrow, and the narrow miniature against the wide one."""
        pairs = list(asked(f"wide_tickets_are_hardly_faster_at_equal_count[{LENET}]"))
        wide, narrow = (asked(f"widths_return_at_equal_count[{one}]") for one in (LENET, f"{LENET}-narrow"))
        (miniature, of_wide), (_, of_narrow) = next(wide), next(narrow)
        pairs += [(miniature, pair) for pair in zip(of_wide, of_narrow)]
        for name, (one, other) in pairs:
            assert left(name, one) == pytest.approx(left(f"{name}-narrow", other), rel=0.1), (name, one, other)

    @pytest.mark.parametrize(
        "claim, share", [("training_accuracy_stays_full", 0.02), ("every_network_fits_the_training_images", 0.05)]
    )
    def test_down_to_a_share(self, claim, share):
        """The last rung is the last that leaves at least the share of the words."""
        for name, rounds in asked(f"{claim}[{LENET}]"):
            assert left(name, rounds[-1] + 1) < share * left(name, 0) <= left(name, rounds[-1]), name

    @pytest.mark.parametrize(
        "claim, low, high",
        [
            ("small_tickets_exist", 0.1, 0.2),
            ("best_small_ticket_matches", 0.1, 0.2),
            ("larger_tickets_learn_faster_and_better", 0.2, 0.6),
            ("widths_return_at_equal_count", 9_000 / 266_200, 15_000 / 266_200),
            ("tickets_fit_at_smaller_sizes", 0.02, 0.05),
        ],
    )
    def test_between_two_shares(self, claim, low, high):
        """Every rung leaves a share between those of the words."""
        for name, rounds in asked(f"{claim}[{LENET}]"):
            assert all(low <= left(name, round) / left(name, 0) <= high for round in rounds), (name, rounds)

    @pytest.mark.parametrize("claim", ["tickets_are_several_times_as_fast", "tickets_gain_over_three_points"])
    @pytest.mark.parametrize("name", CONVOLUTIONAL)
    def test_at_the_printed_size(self, claim, name):
        """Magnitudes are asked at the rung that the words name; of Conv-6 the paper's labels are 0.2 lower (7.1)."""
        (round,) = rounds_at_paper(f"{claim}[{name}]")
        statement = ENTRIES[f"frankle_carbin2019.{claim}[{name}]"].statement
        printed = float(statement.removeprefix("With ").partition(" %")[0])
        off = network(name).weights_remaining(round) - printed
        assert abs(off) < 0.05 if name != "conv-6" else 0 < off < 0.25

    @pytest.mark.parametrize("claim", ["tickets_stay_above_dense", "training_accuracy_stays_full"])
    @pytest.mark.parametrize("name", CONVOLUTIONAL)
    def test_down_to_two_per_cent(self, claim, name):
        """The last rung is the smallest above 2 % of the weights."""
        last = rounds_at_paper(f"{claim}[{name}]")[-1]
        assert network(name).weights_remaining(last + 1) < 2 < network(name).weights_remaining(last)

    @pytest.mark.parametrize("name", ["conv-2", "conv-4"])
    def test_moderate_sizes(self, name):
        """Reinitialised networks keep up at 26 to 50 % of the weights, at every scale."""
        entry = ENTRIES[f"frankle_carbin2019.reinit_keeps_up_at_first[{name}]"]
        for question in filter(lambda question: not question.skip, map(entry.question, SCALES)):
            *moderate, small = question.rounds
            assert all(26 < network(name).weights_remaining(round) < 50 for round in moderate)
            assert network(name).weights_remaining(small) < 3

    def test_preprocessings_are_asked_alike(self):
        """What is asked of Conv-2 is asked of it in all three preprocessings: regions and rounds are the same."""
        for claim in ("tickets_stop_earlier", "tickets_are_several_times_as_fast", "tickets_become_more_accurate",
                      "tickets_gain_over_three_points"):  # fmt: skip
            usual, *others = (
                ENTRIES[f"frankle_carbin2019.{claim}[conv-2{which}]"] for which in ("", "-standard", "-per-image")
            )
            assert [other.needs.training for other in others] == list(PREPROCESSED)
            for of in ("reduced", "paper"):
                asked = {(one.question(of).region, one.question(of).rounds) for one in (usual, *others)}
                assert len(asked) == 1, (claim, of)
