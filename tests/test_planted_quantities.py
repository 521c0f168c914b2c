"""Quantities of searches: signs, logarithms, rounds, and what cannot be asked, each on numbers made up for it."""

from dataclasses import replace
from math import isnan, log

import pytest

from lottery.claims import planted_quantities as quantities
from lottery.core.errors import LotteryError
from lottery.experiments.named_arms import chain, multishot, scores_sought, singleshot, whole

CIRCLE, RELU, HELIX = (multishot(f"planted-{task}-5", "snip", 0.1) for task in ("circle", "relu", "helix"))
ACCURACIES = {"weak": 95.5, "strong": 60.25, "ticket": 98.0, "constant": 45.0, "accuracy_step": 0.1}
ERRORS = {"weak": 4e-4, "strong": 2e-2, "ticket": 1e-4, "constant": 0.1, "accuracy_step": 0.0}
ROUNDS = {"recall": [0.9, 0.5, 0.2], "chance": [0.6, 0.25, 0.05], "connected": True}


def reading(measured):
    """Return how a quantity reads these measurements."""
    return lambda arm, round: ROUNDS | measured


def of(quantity, measured):
    """Return a quantity of one seed's measurements."""
    return quantity.of(reading(measured))


@pytest.mark.parametrize("ticket", ["weak", "strong"])
def test_scores_are_accuracies_or_logarithms_of_errors(ticket):
    """Circle in per cent, regressions on the scale of factors; an error of zero or below is no number."""
    assert of(quantities.score(CIRCLE, ticket), ACCURACIES) == ACCURACIES[ticket]
    for arm in (RELU, HELIX):
        assert of(quantities.score(arm, ticket), ERRORS) == pytest.approx(log(ERRORS[ticket]))
        assert isnan(of(quantities.score(arm, ticket), ERRORS | {ticket: 0.0}))


@pytest.mark.parametrize("arm", [CIRCLE, RELU, HELIX])
@pytest.mark.parametrize("ticket", ["weak", "strong"])
def test_worse_than_the_planted_ticket_is_above_zero(arm, ticket):
    """Whatever is measured, worse counts upwards: fewer right answers, larger errors; equal is zero, better below."""
    measured = ACCURACIES if arm is CIRCLE else ERRORS
    planted, worse = measured["ticket"], measured[ticket]
    below = quantities.below_planted(arm, ticket)
    assert of(below, measured) == pytest.approx(planted - worse if arm is CIRCLE else log(worse / planted))
    assert of(below, measured) > 0 == of(below, measured | {ticket: planted})
    assert of(below, measured | {ticket: planted, "ticket": worse}) == pytest.approx(-of(below, measured))


def test_found_is_near_the_planted_ticket():
    """Three points on Circle, three times the error on ReLU, one and a half times on Helix; never the other way."""
    for arm, measured, inside, outside in (
        (CIRCLE, ACCURACIES, 95.1, 94.9),
        (RELU, ERRORS, 2.9e-4, 3.1e-4),
        (HELIX, ERRORS, 1.4e-4, 1.6e-4),
    ):
        for ticket in ("weak", "strong"):
            found = quantities.found(arm, ticket)
            assert of(found, measured | {ticket: inside}) > 0 > of(found, measured | {ticket: outside})


def test_accurate_is_near_the_ticket_or_a_hundredth_of_the_constants_error():
    """On Circle as `found`; on regressions the planted ticket does not matter."""
    assert of(quantities.accurate(CIRCLE), ACCURACIES) == of(quantities.found(CIRCLE), ACCURACIES)
    for error, wanted in ((1e-3, 0.0), (0.9e-3, log(1 / 0.9)), (2e-3, log(0.5))):
        for ticket in (1e-4, 1e-2):
            measured = ERRORS | {"weak": error, "ticket": ticket}
            assert of(quantities.accurate(RELU), measured) == pytest.approx(wanted)


def test_recovery_is_read_at_its_round():
    """At the end, or after the round that is asked for; chance is that round's own."""
    assert of(quantities.recall(CIRCLE), {}) == 0.2
    assert of(quantities.recall_above_chance(CIRCLE), {}) == pytest.approx(0.15)
    ratios = [of(quantities.enrichment(CIRCLE, round), {}) for round in (1, 2, 3)]
    assert ratios == pytest.approx([1.5, 2.0, 4.0])
    assert of(quantities.enrichment(CIRCLE, 1), {"chance": [0.0], "recall": [0.0]}) == 0


def test_collapse_is_a_network_without_a_path():
    """One where none is left, else zero."""
    assert [of(quantities.collapse(CIRCLE), {"connected": connected}) for connected in (True, False)] == [0, 1]


def test_steps_are_a_sample_or_a_thousandth():
    """An accuracy moves by a test sample, an error by a thousandth, what is recovered by a hundredth, a path by one."""
    asked = [
        (quantities.score(CIRCLE), ACCURACIES),
        (quantities.below_planted(RELU), ERRORS),
        (quantities.recall(CIRCLE), ACCURACIES),
        (quantities.collapse(CIRCLE), ACCURACIES),
    ]
    assert [quantity.resolution(reading(measured)) for quantity, measured in asked] == [0.1, 1e-3, 0.01, 1.0]


def test_a_search_is_needed_once():
    """Whatever is asked of it, a search is one experiment, and difference and parts share it."""
    asked = quantities.score(CIRCLE) - quantities.below_planted(CIRCLE, "strong")
    assert asked.cells == {(CIRCLE, 0)} and not asked.censored(lambda arm, round: {})


def test_what_cannot_be_asked():
    """Weak tickets of what is not trained, and searches where nothing is planted."""
    untrained = singleshot("planted-circle-5", "snip", 0.1, weak=False)
    for ask in (quantities.score, quantities.below_planted, quantities.found):
        for arm in (untrained, scores_sought("planted-circle-5", 0.5)):
            assert ask(arm, "strong").terms
            with pytest.raises(ValueError, match="trains no weak ticket"):
                ask(arm)
    for arm in (replace(chain("large_final"), network="lenet-300-100"), replace(whole(""), network="lenet-300-100")):
        with pytest.raises(LotteryError, match="nothing is planted in lenet-300-100"):
            quantities.below_planted(arm)
