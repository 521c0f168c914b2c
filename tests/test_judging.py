"""Judging: failed networks and censored early stops among a claim's seeds, from measurements to the verdict."""

from math import exp, inf, nan
from types import SimpleNamespace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lottery.claims.claim import conjunction, effect, proportion
from lottery.claims.failures import FEW, decide_apart
from lottery.claims.image_quantities import accuracy, delay, early_stop, failed, gap, log_error, matching
from lottery.claims.judging import Judge
from lottery.claims.quantities import above, in_order, mean
from lottery.claims.results import in_words, outcome
from lottery.claims.statistics import (
    INCONCLUSIVE,
    REFUTED,
    REPRODUCED,
    Decision,
    Region,
    aside,
    aside_of_all,
    decide_mean,
)
from lottery.experiments.arms import DENSE
from lottery.experiments.named_arms import chain, learned, untrained

TICKET, RANDOM, MASK = chain("large_final"), chain("random"), learned()
ABOVE, BELOW = Region(0.0, inf), Region(-inf, 0.0)
CONSTANT = 11.0


def network(accuracy=95.0, stop=100, censored=False, end=None):
    """Return the measurements of one trained network."""
    return {
        "test_accuracy_early_stop": accuracy,
        "test_accuracy_end": accuracy if end is None else end,
        "early_stop_iteration": stop,
        "censored": censored,
        "interval": 20,
        "iterations": 1000,
        "accuracy_step": 0.1,
        "test_accuracy_constant": CONSTANT,
    }


def judged(statement, networks, *regions, seeds=10, unit="pp"):
    """Return the decision and the details of a claim; `networks` makes an arm's measurements of a seed."""
    parts = dict(zip([name for name, _ in getattr(statement, "parts", ())], regions))
    asked = SimpleNamespace(
        statement=statement,
        question=SimpleNamespace(region=None if parts else regions[0], parts=parts),
        entry=SimpleNamespace(unit=unit),
        seeds=range(seeds),
        experiment=lambda arm, round, seed: (arm, round, seed),
    )
    return Judge(asked, lambda one: networks[one[0]](one[2])).decide()


def spread(level, step=0.3):
    """Return what gives a seed's network an accuracy around a level."""
    return lambda seed: network(level + step * (seed % 3))


def failing(level, *seeds, accuracy=CONSTANT - 1):
    """Return the same, but that the networks of some seeds failed."""
    return lambda seed: network(accuracy if seed in seeds else level + 0.3 * (seed % 3))


class TestFailures:
    BETTER = effect(gap(TICKET, RANDOM, [3]))

    @pytest.mark.parametrize("accuracy", [CONSTANT, CONSTANT - 4, nan])
    def test_one_in_ten_is_counted_and_not_averaged(self, accuracy):
        """The others decide, as if it had not been asked; which seed it was, and of which arm, is told."""
        networks = {TICKET: spread(96.0), RANDOM: failing(95.0, 4, accuracy=accuracy)}
        decision, details = judged(self.BETTER, networks, ABOVE)
        sound, _ = judged(self.BETTER, {TICKET: spread(96.0), RANDOM: lambda seed: network(95 + 0.2 * seed)}, ABOVE)
        assert sound.failed == () and decision.failed == (4,) and decision.n == 9
        assert decision.verdict == REPRODUCED and decision.estimate == pytest.approx(1.0)
        arms = details["arms"]
        assert arms["random, round 3, test accuracy at early_stop"]["failed"] == [4]
        assert arms["large_final, round 3, test accuracy at early_stop"]["failed"] == []
        assert len(details["effects"]) == 10

    def test_just_above_the_constant_is_no_failure(self):
        """However bad, it learned something."""
        networks = {TICKET: spread(96.0), RANDOM: failing(95.0, 4, accuracy=CONSTANT + 0.1)}
        assert judged(self.BETTER, networks, ABOVE)[0].failed == ()

    @pytest.mark.parametrize("moment", ["accuracy", "end"])
    def test_either_moment(self, moment):
        """A network that is dead at early stop or at the end."""
        networks = {TICKET: lambda seed: network(**({moment: 10.0} if seed == 2 else {})), RANDOM: spread(90.0)}
        assert judged(self.BETTER, networks, ABOVE)[0].failed == (2,)

    def test_a_mixture_decides_only_if_both_say_the_same(self):
        """Four of ten failed: better than failed networks and than others, or better than failed ones only."""
        better = {TICKET: spread(96.0), RANDOM: failing(95.0, 0, 1, 2, 3)}
        assert judged(self.BETTER, better, ABOVE)[0].verdict == REPRODUCED
        worse = {TICKET: spread(94.0), RANDOM: failing(95.0, 0, 1, 2, 3)}
        decision, _ = judged(self.BETTER, worse, ABOVE)
        assert decision.verdict == INCONCLUSIVE and "4 of 10 seeds" in decision.reason
        assert decision.p_inside > 0.05 and decision.p_outside > 0.05

    @pytest.mark.parametrize("level, verdict", [(97.0, INCONCLUSIVE), (93.0, REFUTED), (95.0, INCONCLUSIVE)])
    def test_a_mixture_on_two_sides_of_a_region_does_not_refute(self, level, verdict):
        """Outside, six of ten above and four below: their mean may lie inside; nor does that refute a conjunction."""
        networks = {TICKET: failing(level, 0, 1, 2, 3), RANDOM: lambda seed: network(95 + 0.2 * (seed % 2))}
        band = Region(-1.0, 1.0)
        decision, _ = judged(self.BETTER, networks, band)
        assert decision.verdict == verdict and (decision.p_outside > 0.05) == (verdict == INCONCLUSIVE)
        both, _ = judged(conjunction(near=gap(TICKET, RANDOM, [3])), networks, band)
        assert both.verdict == verdict and bool(both.reason) == (verdict == INCONCLUSIVE)

    @pytest.mark.parametrize("dead, side", [((), "higher"), ((0, 1, 2, 3), ""), ((0,), "higher")])
    def test_a_side_of_zero_is_that_of_failed_networks_too(self, dead, side):
        """A tenth is left out; beyond that, what is beside a conjunction says why it has none."""
        networks = {TICKET: failing(96.0, *dead), RANDOM: lambda seed: network(95 + 0.2 * (seed % 2))}
        gain = gap(TICKET, RANDOM, [3])
        decision, details = judged(conjunction({"difference": gain}, by=gain), networks, Region(-200.0, inf))
        assert decision.verdict == REPRODUCED and details["parts"][0]["side"] == side
        assert bool(details["beside"][0]["reason"]) == (side == "")

    def test_nothing_is_higher_within_a_margin_that_failed_networks_do_not_show(self):
        """Reproduced by both kinds, higher by one alone."""
        hardly = {seed: CONSTANT + 0.02 + 0.9 * (seed % 2) for seed in range(4)}
        networks = {TICKET: lambda seed: network(hardly.get(seed, 96 + 0.1 * (seed % 2)))}
        networks[RANDOM] = lambda seed: network(CONSTANT if seed in hardly else 95.0)
        decision, _ = judged(effect(gap(TICKET, RANDOM, [3])), networks, Region(-2.0, 2.0))
        assert decision.verdict == REPRODUCED and decision.clouded and decision.interval[0] > 0
        assert aside(decision, Region(-2.0, 2.0)) == "" and outcome(decision, None, "effect", "pp")["side"] == ""

    @pytest.mark.parametrize("dead", [(4,), (0, 1, 2, 3)])
    def test_one_seed_apart_is_too_few(self, dead):
        """A single seed that failed, or that did not, has no verdict; nine would outvote it, four do not."""
        networks = {TICKET: spread(96.0), RANDOM: failing(95.0, *dead)}
        decision, _ = judged(self.BETTER, networks, ABOVE, seeds=5)
        assert decision.verdict == INCONCLUSIVE and decision.failed == dead
        assert decision.reason == (
            f"{len(dead)} of 5 seeds have a network that failed, and one seed is too few to tell whether they agree"
        )
        assert judged(self.BETTER, {TICKET: spread(96.0), RANDOM: failing(95.0, 4)}, ABOVE)[0].verdict == REPRODUCED

    def test_an_arm_that_always_fails_is_no_mixture(self):
        """Its level is what it is; the comparison is decided, and every seed is counted."""
        networks = {TICKET: spread(96.0), RANDOM: failing(95.0, *range(10))}
        decision, _ = judged(self.BETTER, networks, ABOVE)
        assert decision.verdict == REPRODUCED and decision.failed == tuple(range(10)) and decision.n == 10

    def test_two_failed_arms_do_not_match(self):
        """Nothing equals nothing, in a mean or a share; one arm alone that learned nothing is refuted, though."""
        dead = failing(95.0, *range(10))
        decision, _ = judged(self.BETTER, {TICKET: dead, RANDOM: lambda seed: network(10 + 0.1 * seed / 9)}, ABOVE)
        assert decision.verdict == INCONCLUSIVE and "in 10 of 10 seeds" in decision.reason
        often, _ = judged(proportion(gap(TICKET, RANDOM, [3])), {TICKET: dead, RANDOM: dead}, Region(0.0, 0.3))
        assert often.verdict == INCONCLUSIVE and "in 10 of 10 seeds" in often.reason
        gain = gap(TICKET, RANDOM, [3])
        both = conjunction({"difference": gain}, by=gain, seldom=proportion(gain))
        _, details = judged(both, {TICKET: dead, RANDOM: dead}, ABOVE, Region(0.0, 0.3))
        assert [part["verdict"] for part in details["parts"]] == [INCONCLUSIVE] * 2
        assert details["beside"][0]["interval"] is None and details["beside"][0]["reason"] == often.reason
        alone = effect(accuracy(TICKET, 3))
        low = {TICKET: lambda seed: network(10 + 0.1 * seed)}
        assert judged(alone, low, Region(80.0, inf))[0].verdict == REFUTED

    def test_untrained_networks_cannot_fail(self):
        """They are at chance by right."""
        mask = untrained("large_final")
        networks = {mask: lambda seed: {"test_accuracy_start": [9 + 0.1 * (seed % 4)], "accuracy_step": 0.1}}
        decision, _ = judged(effect(accuracy(mask, 0)), networks, Region(8.0, 12.0))
        assert decision.verdict == REPRODUCED and decision.failed == ()

    def test_failing_as_a_claim_of_its_own(self):
        """In how many seeds an arm fails: 1 where it does, as a number that is not set apart."""
        networks = {RANDOM: failing(95.0, 1, 5, 7)}
        decision, details = judged(proportion(failed(RANDOM, 3)), networks, Region(0.0, 0.7))
        assert details["effects"] == [float(seed in (1, 5, 7)) for seed in range(10)]
        assert decision.estimate == 0.3 and decision.verdict == REPRODUCED and decision.failed == ()

    def test_proportions_and_parts_tell_failures(self):
        """A share of seeds counts all of them, and says which failed; a conjunction has those of its parts."""
        networks = {TICKET: failing(96.0, 2), RANDOM: failing(95.0, 4)}
        both = conjunction(better=gap(TICKET, RANDOM, [3]), often=proportion(accuracy(RANDOM, 3)))
        decision, details = judged(both, networks, ABOVE, Region(0.5, 1.0))
        assert decision.failed == (2, 4)
        assert [part["failed"] for part in details["parts"]] == [[2, 4], [4]] and details["parts"][1]["n"] == 10

    @pytest.mark.parametrize("noise", [2e-14, -2e-14, 0.0])
    def test_rounding_is_no_sign(self, noise):
        """Equal accuracies count as equal, on whichever side of zero adding them up in another order puts them."""
        networks = {TICKET: lambda seed: network(95.0 + noise), RANDOM: lambda seed: network(95.0)}
        gain = gap(TICKET, RANDOM, [3])
        for quantity in (gain, -1.0 * gain):
            decision, _ = judged(proportion(quantity), networks, Region(0.5, 1.0))
            assert decision.estimate == 0 and decision.verdict == REFUTED
        barely = proportion(above(gain, noise - 1e-6))
        assert judged(barely, networks, Region(0.5, 1.0))[0].estimate == 1

    def test_learned_masks_can_fail(self):
        """They are trained, and have accuracies at the end only."""
        found = {"test_accuracy_end": 10.0, "test_accuracy_constant": CONSTANT, "accuracy_step": 0.1}
        networks = {MASK: lambda seed: found | ({"test_accuracy_end": 80.0 + seed} if seed else {})}
        assert judged(effect(accuracy(MASK, 0, "end")), networks, ABOVE)[0].failed == (0,)


def stopping(level, *censored):
    """Return networks that stop early around an iteration; those of some seeds were cut off."""
    return lambda seed: network(stop=round(level * exp(0.1 * (seed % 4))), censored=seed in censored)


class TestCensoring:
    SLOWER = effect(delay(RANDOM, TICKET, [3]))
    CUT = tuple(range(6))

    def test_only_the_slower_arm_is_cut_off(self):
        """That it is slower stands, that it is not much slower is open; the interval has an open end."""
        networks = {RANDOM: stopping(800, *self.CUT), TICKET: stopping(200)}
        decision, details = judged(self.SLOWER, networks, ABOVE)
        assert decision.verdict == REPRODUCED and decision.interval[1] == inf and decision.interval[0] > 1
        assert judged(self.SLOWER, networks, BELOW)[0].verdict == REFUTED
        decision, _ = judged(self.SLOWER, networks, Region(-inf, 3.0))
        assert decision.verdict == INCONCLUSIVE and decision.reason.startswith("training too short: the minimum of 6")
        assert details["arms"]["random, round 3, log early-stop iteration"]["censored"] == list(self.CUT)

    def test_only_the_faster_arm_is_cut_off(self):
        """It might be the slower one: open."""
        networks = {RANDOM: stopping(800), TICKET: stopping(200, *self.CUT)}
        assert judged(self.SLOWER, networks, ABOVE)[0].verdict == INCONCLUSIVE
        assert judged(self.SLOWER, networks, Region(-inf, 3.0))[0].verdict == REPRODUCED

    def test_both_are(self):
        """Nothing is known."""
        networks = {RANDOM: stopping(800, 0, 1, 2), TICKET: stopping(200, 3, 4, 5)}
        for region in (ABOVE, BELOW, Region(0, 3)):
            assert judged(self.SLOWER, networks, region)[0].verdict == INCONCLUSIVE

    def test_rare_censoring_counts_as_measured(self):
        """One seed in ten."""
        networks = {RANDOM: stopping(800), TICKET: stopping(200, 3)}
        decision, _ = judged(self.SLOWER, networks, ABOVE)
        assert decision.verdict == REPRODUCED and decision.interval[1] < inf

    def test_share_of_seeds(self):
        """Slower in all seeds however much slower; faster in none for certain."""
        networks = {RANDOM: stopping(800, *self.CUT), TICKET: stopping(200)}
        assert judged(proportion(delay(RANDOM, TICKET, [3])), networks, Region(0.5, 1.0))[0].verdict == REPRODUCED
        networks = {RANDOM: stopping(200, *self.CUT), TICKET: stopping(800)}
        assert judged(proportion(delay(RANDOM, TICKET, [3])), networks, Region(0.5, 1.0))[0].verdict == INCONCLUSIVE
        later = proportion(above(delay(RANDOM, TICKET, [3]), 9.0))  # which no seed of these has, but any might
        assert judged(later, networks, Region(0.0, 0.5))[0].verdict == INCONCLUSIVE

    def test_accuracies_of_cut_off_runs_are_marked_and_decided(self):
        """What early stop would have brought is not known; the accuracy is, and is told to be early."""
        networks = {RANDOM: lambda seed: network(90 + 0.1 * seed, censored=seed < 8), TICKET: spread(96.0)}
        for moment, marked in (("early_stop", list(range(8))), ("end", [])):
            decision, details = judged(effect(gap(TICKET, RANDOM, [3], moment)), networks, ABOVE)
            assert decision.verdict == REPRODUCED
            assert details["arms"][f"random, round 3, test accuracy at {moment}"]["censored"] == marked


NEAR = st.lists(st.floats(-0.5, 0.5), max_size=8)
LEVEL = st.sampled_from([-3.0, -0.8, -0.2, 0.0, 0.2, 0.8, 3.0])
REGIONS = [ABOVE, BELOW, Region(-1.0, inf), Region(-1.0, 1.0), Region(-0.1, 0.1), Region(1.0, inf)]


@given(NEAR, NEAR, LEVEL, LEVEL, st.sampled_from(REGIONS))
@settings(max_examples=300, deadline=None)
def test_what_is_said_of_all_seeds_is_true_of_either_kind(sound, dead, level, low, region):
    """The verdict, the side of the region and the side of zero; and what is true of both is said."""
    assume(sound or dead)
    values = [level + one for one in sound] + [low + one for one in dead]
    seeds, failed = range(len(values)), range(len(sound), len(values))
    decided = {}

    def decide(group):
        decided[tuple(group)] = decide_mean([values[seed] for seed in group], region, 0.1)
        return decided[tuple(group)]

    found = decide_apart(seeds, failed, region, decide)
    kinds = [decide([seed for seed in seeds if (seed in failed) == asked]) for asked in (False, True)]
    kinds = [one for one in kinds if one.n > FEW * len(seeds)]
    verdicts = {one.verdict for one in kinds}
    places = {one.estimate > region.high for one in kinds if one.verdict == REFUTED}
    agreed = verdicts.pop() if len(verdicts) == 1 and len(places) < 2 else INCONCLUSIVE
    assert found.verdict == agreed
    sides = {one.side for one in kinds}
    assert found.side in sides | {""}
    if found.side or agreed != INCONCLUSIVE:
        assert found.side == (sides.pop() if len(sides) == 1 else "")
    if found.p_inside is not None:
        by_level = (found.p_inside <= 0.05, found.p_outside <= 0.05)
        assert by_level == (agreed == REPRODUCED, agreed == REFUTED)


def test_equal_values_are_no_divergence():
    """A rank correlation of equal values is undefined, and called what it is."""
    ranked = effect(in_order(accuracy(chain("large_final"), n) for n in (1, 2, 3)))
    decision, _ = judged(ranked, {TICKET: spread(95.0)}, ABOVE)
    assert decision.verdict == INCONCLUSIVE and decision.reason.endswith("equal values have no order")
    diverged = effect(accuracy(TICKET, 1) - accuracy(DENSE, 0, "start"))
    networks = {
        TICKET: spread(95.0),
        DENSE: lambda seed: network() | {"test_accuracy_start": nan if seed == 3 else 9.0},
    }
    assert judged(diverged, networks, ABOVE)[0].reason == "no number from seed 3: training diverged"


@pytest.mark.parametrize(
    "region, interval, word",
    [
        (Region(-1.5, inf), (-0.83, -0.26), "worse"),
        (Region(-1.5, inf), (-0.83, 0.1), ""),
        (Region(-1.5, inf), (0.2, 0.9), ""),
        (Region(-inf, 1.5), (0.2, 0.9), "worse"),
        (Region(-1.5, 1.5), (-0.83, -0.26), "lower"),
        (Region(-1.5, 1.5), (0.2, 0.9), "higher"),
        (Region(0.0, inf), (0.2, 0.9), ""),
        (Region(80.0, inf), (85.0, 86.0), ""),
    ],
)
def test_worse_within_the_margin(region, interval, word):
    """Reproduced, though certainly not on the other side of zero; of what is not reproduced nothing is said."""
    assert aside(Decision(REPRODUCED, sum(interval) / 2, interval), region) == word
    assert aside(Decision(INCONCLUSIVE, sum(interval) / 2, interval), region) == ""


@pytest.mark.parametrize(
    "kind, unit, word",
    [
        ("effect", "pp", "worse"),
        ("effect", "log ratio", "worse"),
        ("effect", "pp, log ratio", "worse"),
        ("effect", "%", ""),
        ("effect", "share", ""),
        ("effect", "ratio", ""),
        ("effect", "", ""),
        ("proportion", "of draws", ""),
        ("proportion", "pp", ""),
    ],
)
def test_only_differences_can_be_worse(kind, unit, word):
    """A level, a share or a ratio below its ceiling is above zero without being worse than anything."""
    decision = Decision(REPRODUCED, 0.2, (0.1, 0.3))
    assert outcome(decision, Region(-inf, 0.5), kind, unit)["aside"] == word


class TestWordBesideAConjunction:
    """It comes from what is said to match within a margin, and from nothing else that stands beside the parts."""

    MATCH = matching(TICKET, DENSE, RANDOM, [3])
    NOT_WORSE = {"not_worse": MATCH.not_worse, "control_loses": MATCH.control_loses}
    BOTH = NOT_WORSE | {"same_sign_not_better": MATCH.not_better}

    def word(self, ticket, beside, parts, *regions):
        """Return it of a ticket of some accuracy beside a dense network of 95 % and random masks of 85 %."""
        networks = {TICKET: spread(ticket), DENSE: spread(95.0, 0.2), RANDOM: spread(85.0)}
        decision, details = judged(conjunction(beside, **parts), networks, *regions or [ABOVE] * len(parts))
        assert decision.verdict == REPRODUCED
        return details["aside"]

    @pytest.mark.parametrize(
        "ticket, parts, word",
        [
            (94.0, NOT_WORSE, "worse"),
            (96.0, NOT_WORSE, ""),
            (94.0, BOTH, "lower"),
            (96.0, BOTH, "higher"),
            (94.9, BOTH, ""),
        ],
    )
    def test_a_margin_that_is_computed(self, ticket, parts, word):
        """With a bound on one side it can be worse; with one on both it is lower or higher; better is no caveat."""
        assert self.word(ticket, {"difference": self.MATCH.difference}, parts) == word
        assert self.word(ticket, {"kept_difference": self.MATCH.difference}, parts) == word

    def test_what_stands_beside_for_comparison_says_nothing(self):
        """However far from zero it lies."""
        others = dict.fromkeys(("over_chance", "indifference", "difference_by_chance"), self.MATCH.difference)
        assert self.word(94.0, others, self.BOTH) == ""

    @pytest.mark.parametrize("region, word", [(Region(-2.0, inf), "worse"), (Region(-2.0, 2.0), "lower")])
    def test_a_margin_that_is_a_region(self, region, word):
        """A part's own word is the verdict's, whatever stands beside; a control's is not."""
        difference = self.MATCH.difference
        parts = {"accuracy": difference, "control_falls": -1 * self.MATCH.control_loses}
        assert self.word(94.0, {"over_chance": -1 * difference}, parts, region, Region(-inf, -1.0)) == word
        parts = {"accuracy": self.MATCH.control_loses, "control_near": difference}
        assert self.word(94.0, {}, parts, ABOVE, region) == ""

    def test_worse_is_said_first(self):
        """Of several differences on two sides of zero nothing is said, unless one of them is worse."""
        assert aside_of_all(["lower", "", "lower"]) == "lower" and aside_of_all(["lower", "higher"]) == ""
        assert aside_of_all(["higher", "worse"]) == "worse" and aside_of_all([]) == ""


def test_parts_say_what_they_are():
    """A mean or a share of seeds; and of shares of seeds below a ceiling none is worse."""
    networks = {TICKET: spread(95.5), RANDOM: spread(95.0)}
    gain = gap(TICKET, RANDOM, [3])
    both = conjunction(by=gain, seldom_by_much=proportion(above(gain, 9.0)))
    _, details = judged(both, networks, Region(-inf, 2.0), Region(-inf, 0.5))
    told = [(part["kind"], part["verdict"], part["aside"]) for part in details["parts"]]
    assert told == [("effect", REPRODUCED, "worse"), ("proportion", REPRODUCED, "")]


def test_log_error():
    """Even where accuracies are far apart: a tenth of the error is the same everywhere; no error is half an image."""

    def error(value):
        return log_error(TICKET, 1).of(lambda arm, round: network(value))

    assert error(90.0) - error(99.0) == pytest.approx(error(0.0) - error(90.0))
    assert error(100.0) == pytest.approx(error(99.95))
    assert log_error(TICKET, 1).resolution(lambda arm, round: network(99.0)) == pytest.approx(0.1)
    assert log_error(TICKET, 1).terms[0].at_stop and log_error(TICKET, 1).failed(lambda arm, round: network(5.0))


def test_bounds_of_what_is_made_of_times():
    """Means, differences and extremes of times that can only grow; what is not monotone has none."""
    times = {TICKET: network(stop=100, censored=True), RANDOM: network(stop=400)}
    one, other = early_stop(TICKET, 1), early_stop(RANDOM, 1)
    cases = {
        mean([one, other]): (True, False),
        one - other: (True, False),
        other - one: (False, True),
        -1.0 * (one - other): (False, True),
        in_order([one, other]): (False, False),
        other - in_order([one, other]): (False, False),
    }
    for quantity, (low, high) in cases.items():
        value = quantity.of(lambda arm, round: times[arm])
        expected = (value if low else -inf, value if high else inf)
        assert quantity.bounds(lambda arm, round: times[arm]) == expected


def test_values_are_told_in_words():
    """As a sentence has them, without brackets, braces, quotes or Python's own words."""
    assert in_words({"sizes": False, "recall below 10 %": True}) == "sizes no, recall below 10 % yes"
    assert in_words([1, "2.26", None]) == "1, 2.26, None" and in_words({"all": "2.26"}) == "all 2.26"
