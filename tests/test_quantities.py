"""Quantities: numbers per seed out of measurements, and what they need."""

from dataclasses import replace
from math import isnan, log, nan

import pytest

from lottery.claims.image_quantities import (
    accuracy,
    anatomy,
    best_rung,
    delay,
    early_stop,
    gap,
    iterations_to,
    learning_curve,
    overfitting,
)
from lottery.claims.planted_quantities import accurate, below_planted, collapse, found, score
from lottery.claims.quantities import agreement, highest, in_order, lowest, mean, slope
from lottery.core.errors import LotteryError
from lottery.experiments.arms import DENSE
from lottery.experiments.named_arms import chain, dissected, singleshot, untrained
from lottery.models.architectures import network

TICKET = chain("large_final")
MASK = untrained("large_final")
MEASURED = {
    (DENSE, 0): {
        "test_accuracy_early_stop": 90.0,
        "test_accuracy_end": 89.0,
        "early_stop_iteration": 400,
        "censored": False,
    },
    (TICKET, 1): {
        "test_accuracy_early_stop": 92.0,
        "test_accuracy_end": 91.0,
        "early_stop_iteration": 200,
        "censored": True,
    },
    (TICKET, 2): {
        "test_accuracy_early_stop": 95.0,
        "test_accuracy_end": 91.0,
        "early_stop_iteration": 0,
        "censored": True,
    },
    (MASK, 0): {"test_accuracy_start": [10.0, 40.0, 30.0], "accuracy_step": 0.01},
}
for measured in MEASURED.values():
    measured |= {"interval": 20, "iterations": 1000, "accuracy_step": measured.get("accuracy_step", 0.1)}


def read(arm, round):
    return MEASURED[arm, round]


def test_difference_and_mean():
    """A mean of paired differences, with the networks it needs."""
    gain = mean(accuracy(TICKET, n) - accuracy(DENSE, 0) for n in (1, 2))
    assert gain.of(read) == pytest.approx(3.5)
    assert gain.cells == {(TICKET, 1), (TICKET, 2), (DENSE, 0)}
    assert (gain - accuracy(DENSE, 0, at="end")).of(read) == pytest.approx(3.5 - 89)


def test_highest_over_rungs_of_an_untrained_arm():
    """An untrained arm has all its rungs in one place."""
    best = highest(accuracy(MASK, n) for n in range(3))
    assert best.of(read) == 40 and best.cells == {(MASK, 0)}
    assert (best - accuracy(MASK, 2)).of(read) == 10


@pytest.mark.parametrize("best", [0, 11, 12, 18, 24])
def test_the_best_rung_is_any_of_25(best):
    """From everything down to half a per cent: wherever the highest is, it is found, seed by seed."""
    accuracies = [10.0 + rung / 100 for rung in range(25)]
    accuracies[best] = 80.0
    found = best_rung(MASK)
    assert found.of(lambda arm, round: {"test_accuracy_start": accuracies}) == 80 and found.cells == {(MASK, 0)}
    assert len(found.terms) == 25 and network("lenet-300-100").weights_remaining(24) == pytest.approx(0.5, abs=0.05)


def test_speed_is_a_log_ratio_and_can_be_censored():
    """Half the iterations is log 2; no minimum is no number; censoring counts only where time is asked for."""
    speed = early_stop(DENSE, 0) - early_stop(TICKET, 1)
    assert speed.of(read) == pytest.approx(log(2))
    assert speed.censored(read) and not early_stop(DENSE, 0).censored(read)
    assert isnan(early_stop(TICKET, 2).of(read))
    assert not accuracy(TICKET, 1).censored(read)


def test_resolution_is_the_finest_step():
    """A test image, or an interval of the run."""
    assert accuracy(DENSE, 0).resolution(read) == 0.1
    assert early_stop(DENSE, 0).resolution(read) == 0.02
    assert (accuracy(DENSE, 0) - accuracy(MASK, 1)).resolution(read) == 0.01


def test_nothing_to_average():
    """A claim without rounds is a mistake in its entry."""
    with pytest.raises(ValueError, match="no rounds"):
        mean([])


CURVES = {
    (DENSE, 0): {"validation_loss": [0.9, 0.5, 0.4, 0.8], "validation_accuracy": [60.0, 80.0, 90.0, 91.0]},
    (TICKET, 1): {"validation_loss": [0.8, 0.4, 0.3, 0.3], "validation_accuracy": [70.0, 90.0, 92.0, 93.0]},
    (dissected("large_final"), 2): {"anatomy": {"dense1": {"positive": 0.4}, "dense2": {"positive": 0.6}}},
}
for of_curve in CURVES.values():
    of_curve |= {
        "interval": 50,
        "iterations": 200,
        "accuracy_step": 0.1,
        "test_accuracy_end": 50.0,
        "train_accuracy_end": 75.0,
    }


def curve(arm, round):
    return CURVES[arm, round]


def test_learning_curves_are_read_at_their_iterations():
    """The value of the look at that iteration; there is none in between."""
    assert learning_curve(DENSE, 0, 150).of(curve) == 90.0
    with pytest.raises(LotteryError, match="every 50 iterations, not at 120"):
        learning_curve(DENSE, 0, 120).of(curve)


def test_iterations_to_a_level():
    """The first look at which it is reached; never is later than any look."""
    assert [iterations_to(arm, n, 90).of(curve) for arm, n in ((DENSE, 0), (TICKET, 1))] == [150, 100]
    assert iterations_to(DENSE, 0, 99).of(curve) == 400
    longer = CURVES[DENSE, 0] | {"iterations": 220, "validation_accuracy": [60.0, 80.0, 90.0, 91.0, 95.0]}
    assert [iterations_to(DENSE, 0, level).of(lambda *cell: longer) for level in (91, 95, 99)] == [200, 250, 440]


def test_overfitting_is_the_rise_after_the_minimum():
    """Log 2 where the loss doubles, zero where the minimum comes last."""
    assert overfitting(DENSE, 0).of(curve) == pytest.approx(log(2)) and overfitting(TICKET, 1).of(curve) == 0


def test_anatomy_by_layer():
    """Layers are counted from both ends, and a dissected arm is read at its own round."""
    one = dissected("large_final")
    assert anatomy(one, 2, 0, "positive").of(curve) == 0.4 and anatomy(one, 2, -1, "positive").of(curve) == 0.6
    assert anatomy(one, 2, 0, "positive").cells == {(one, 2)}


def test_gap_delay_and_parts():
    """Means of paired differences, on test and on training images; the dense network has no rounds."""
    assert gap(TICKET, DENSE, [1, 2]).of(read) == pytest.approx(3.5) and gap(TICKET, DENSE, [1, 2]).cells == {
        (TICKET, 1),
        (TICKET, 2),
        (DENSE, 0),
    }
    assert delay(TICKET, DENSE, [1]).of(read) == pytest.approx(log(0.5))
    assert accuracy(DENSE, 0, "end", "train").of(curve) == 75.0


def test_slopes_orders_and_agreements():
    """Of known numbers: a line, an order with two neighbours exchanged, two rankings and their reverse."""
    one = [accuracy(DENSE, 0), accuracy(TICKET, 1), accuracy(TICKET, 2)]  # 90, 92, 95
    assert slope(one).of(read) == pytest.approx(2.5)
    assert in_order(one).of(read) == pytest.approx(-1) and in_order(one[::-1]).of(read) == pytest.approx(1)
    assert in_order([one[2], one[0], one[1]]).of(read) == pytest.approx(0.5)
    assert agreement(one, one).of(read) == pytest.approx(1) and agreement(one, one[::-1]).of(read) == pytest.approx(-1)
    assert lowest(one).of(read) == 90 and highest(one).of(read) == 95
    nothing = [replace(one[0], combine=lambda values: nan)]
    for of in (lowest, highest):
        assert isnan(of([*one, *nothing]).of(read)) and isnan(of([*nothing, *one]).of(read))


@pytest.mark.parametrize("network, constant, sound", [("planted-circle-5", 45.0, 97.0), ("planted-relu-5", 0.1, 1e-3)])
def test_searches_that_fail(network, constant, sound):
    """A trained ticket no better than a constant failed; an untrained one cannot; what speaks of failing has none."""
    arm = singleshot(network, "snip", 0.1)

    def read(weak):
        measured = {"weak": weak, "strong": constant, "constant": constant, "ticket": sound, "connected": False}
        return lambda arm, round: measured | {"accuracy_step": 0.1}

    for quantity in (score(arm), below_planted(arm)):
        assert quantity.failed(read(constant)) and quantity.failed(read(float("nan")))
        assert not quantity.failed(read(sound))
    assert not score(arm, "strong").failed(read(constant))
    assert not any(quantity(arm).failed(read(constant)) for quantity in (found, accurate, collapse))
