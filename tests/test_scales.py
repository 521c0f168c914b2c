"""Scales: what stands in for what, and recipes that give early stopping something to find."""

import dataclasses
from statistics import median

import pytest
from scipy.stats import kstest, norm

from lottery.claims import entries
from lottery.claims.resolved import lacks
from lottery.core.errors import LotteryError
from lottery.experiments.scales import BRIEF, EARLY_STOP, FULL_LENGTH, PAPER_ITERATIONS, SCALES, SGD, SWEPT, scale
from lottery.models.architectures import ARCHITECTURES, network
from lottery.models.initialisers import initial_weights
from lottery.training.config import Config, Setting
from tests.conftest import replica
from tests.training_helpers import train

LENET = "lenet-300-100"


def test_dense_early_stop_of_digits_comes_before_the_middle(digits):
    """The median dense network of the tiny scale overfits in the first half of its run; few are censored."""
    setting = SCALES["tiny"].setting(LENET, EARLY_STOP)
    outcomes = train(setting.network, digits, setting.config, [replica(setting.network, seed) for seed in range(20)])
    stops = [outcome.measurements["early_stop_iteration"] for outcome in outcomes]
    assert median(stops) < setting.config.iterations / 2
    assert sum(outcome.measurements["censored"] for outcome in outcomes) < 2


def test_dense_early_stop_of_mnist_comes_before_the_middle(real_mnist):
    """The same for LeNet at the reduced scale: the median of three seeds on real MNIST, in two thirds of the run."""
    setting = SCALES["reduced"].setting(LENET, EARLY_STOP)
    config = dataclasses.replace(setting.config, iterations=setting.config.iterations * 2 // 3)
    outcomes = [train(setting.network, real_mnist, config, [replica(setting.network, seed)])[0] for seed in range(3)]
    assert median(outcome.measurements["early_stop_iteration"] for outcome in outcomes) < setting.config.iterations / 2
    assert all(97.4 < outcome.measurements["test_accuracy_early_stop"] < 98.5 for outcome in outcomes)


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


@pytest.mark.parametrize(
    "network, dataset, training, iterations, lacking",
    [
        (LENET, "mnist", FULL_LENGTH, 50_380, ""),
        (LENET, "mnist", EARLY_STOP, 12_000, ""),
        (LENET, "mnist", FULL_LENGTH, 12_000, "needs 50,380 iterations, this scale trains 12,000"),
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
        for outcome in train(LENET, real_mnist, setting.config, [replica(LENET, seed) for seed in range(6)])
    ]
    assert 70 < sum(ends) / len(ends) < 80


class TestSweeps:
    """Frankle & Carbin's appendix G: every scale has each variant, which differs from its network in one thing."""

    @pytest.mark.parametrize("name", SCALES)
    def test_a_training_of_the_sweep_differs_in_its_optimiser_alone(self, name):
        """Length, batch and looks stay; two rates of one optimiser are as far apart as the paper's."""
        settings = SCALES[name].settings[LENET]
        usual = settings[EARLY_STOP]
        for training, (optimiser, rate, momentum) in SWEPT.items():
            config = settings[training].config
            assert (config.optimiser, config.momentum) == (optimiser, momentum)
            assert dataclasses.replace(config, optimiser="adam", learning_rate=0.0, momentum=0.0) == (
                dataclasses.replace(usual.config, learning_rate=0.0)
            )
            factor = (
                settings[SGD].config.learning_rate / 0.8 if optimiser == "sgd" else usual.config.learning_rate / 1.2e-3
            )
            assert config.learning_rate == pytest.approx(rate * factor)

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

    def test_equal_counts_are_equal(self):
        """The rungs at which widths and pruning rates are compared leave the wide or slow network no more weights."""
        pairs = [(LENET, 12, f"{LENET}-narrow", 5), (LENET, 13, f"{LENET}-pruned-by-60", 3),
                 (LENET, 12, f"{LENET}-pruned-by-40", 5), (f"{LENET}-pruned-by-10", 15, f"{LENET}-pruned-by-40", 3),
                 ("lenet-96-48", 13, "lenet-96-48-narrow", 4)]  # fmt: skip
        for name, round, other, its in pairs:
            left, of_other = sum(network(name).kept(round)), sum(network(other).kept(its))
            assert 0.75 * of_other < left <= of_other, (name, other, left, of_other)

    @pytest.mark.parametrize("deviation", [0.025, 0.1, 0.4])
    def test_a_deviation_is_that_of_every_layer(self, deviation):
        """Told by Kolmogorov and Smirnov's test against the normal distribution of that deviation."""
        name = f"{LENET}-normal-{deviation}".replace(".", "_")
        for weights in initial_weights(network(name), 0):
            assert kstest(weights.flatten().numpy(), norm(0, deviation).cdf).pvalue > 1e-4
