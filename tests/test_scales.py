"""Scales: what stands in for what, and recipes that give early stopping something to find."""

import dataclasses
from statistics import median

import pytest

from lottery.claims import entries
from lottery.claims.resolved import lacks
from lottery.core.errors import LotteryError
from lottery.experiments.scales import BRIEF, EARLY_STOP, FULL_LENGTH, PAPER_ITERATIONS, SCALES, scale
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
