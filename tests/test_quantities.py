"""Quantities: numbers per seed out of measurements, and what they need."""

from math import isnan, log

import pytest

from lottery.arms import DENSE, chain, untrained
from lottery.quantities import accuracy, early_stop, highest, mean

TICKET = chain("large_final")
MASK = untrained("large_final")
MEASURED = {
    (DENSE, 0): {"test_accuracy_early_stop": 90.0, "test_accuracy_end": 89.0, "early_stop_iteration": 400, "censored": False},
    (TICKET, 1): {"test_accuracy_early_stop": 92.0, "test_accuracy_end": 91.0, "early_stop_iteration": 200, "censored": True},
    (TICKET, 2): {"test_accuracy_early_stop": 95.0, "test_accuracy_end": 91.0, "early_stop_iteration": 0, "censored": True},
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


def test_speed_is_a_log_ratio_and_can_be_censored():
    """Half the iterations is log 2; a run without a minimum has no number; censoring counts only where time is asked for."""
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
