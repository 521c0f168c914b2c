"""Verdicts: their error rates by simulation for every kind, their agreement with scipy, and degenerate data."""

from math import inf, nan

import numpy as np
import pytest
from scipy import stats as scipy_stats

from lottery.claims.statistics import (
    ALPHA,
    INCONCLUSIVE,
    REFUTED,
    REPRODUCED,
    Region,
    decide_all,
    decide_drift,
    decide_exact,
    decide_flips,
    decide_mean,
    decide_proportion,
    holm,
    q_values,
)

RUNS = 1500
SLACK = 3.5 * (ALPHA * (1 - ALPHA) / RUNS) ** 0.5  # what chance does to a rate of ALPHA in so many simulated runs
SIZES = [3, 5, 10, 20]
AT_LEAST, AT_MOST, BAND = Region(0.0, inf), Region(-inf, 0.0), Region(-1.0, 1.0)


def rates(decide, truth, n, seed=0):
    """Return how often a decision on n normal values of mean `truth` and deviation one comes out which way."""
    draws = np.random.default_rng(seed).normal(truth, 1.0, (RUNS, n))
    verdicts = [decide(list(map(float, values))).verdict for values in draws]
    return {verdict: verdicts.count(verdict) / RUNS for verdict in (REPRODUCED, REFUTED, INCONCLUSIVE)}


class TestMean:
    @pytest.mark.parametrize("n", SIZES)
    @pytest.mark.parametrize("region, edge", [(AT_LEAST, 0.0), (BAND, 1.0), (BAND, -1.0)])
    def test_error_rates_at_the_edge(self, region, edge, n):
        """At the region's edge, the worst case, both a true claim refuted and a false one reproduced stay at ALPHA."""
        seen = rates(lambda values: decide_mean(values, region), edge, n, seed=n)
        assert seen[REFUTED] <= ALPHA + SLACK
        assert seen[REPRODUCED] <= ALPHA + SLACK

    @pytest.mark.parametrize("n, least", [(3, 0.03), (5, 0.035), (10, 0.04), (20, 0.043)])
    def test_half_line_is_nearly_exact_at_the_edge(self, n, least):
        """For a half line the rates are not much below ALPHA either: two tests that agree cost little."""
        seen = rates(lambda values: decide_mean(values, AT_LEAST), 0.0, n, seed=100 + n)
        assert least - SLACK <= min(seen[REFUTED], seen[REPRODUCED])

    @pytest.mark.parametrize("n", SIZES)
    def test_clear_cases_are_decided_rightly(self, n):
        """Eight deviations inside or outside leave no doubt from three seeds on."""
        assert rates(lambda values: decide_mean(values, AT_LEAST), 8.0, n)[REPRODUCED] > 0.95
        assert rates(lambda values: decide_mean(values, AT_LEAST), -8.0, n)[REFUTED] > 0.95

    @pytest.mark.parametrize("n", SIZES)
    def test_coverage(self, n):
        """The interval holds the truth in 1 - 2 ALPHA of the runs, or a little more often."""
        draws = np.random.default_rng(n).normal(3.0, 1.0, (RUNS, n))
        intervals = [decide_mean(list(map(float, values)), AT_LEAST).interval for values in draws]
        covered = sum(low <= 3.0 <= high for low, high in intervals) / RUNS
        slack = 3.5 * (0.09 / RUNS) ** 0.5
        assert -slack <= covered - (1 - 2 * ALPHA) <= 0.04 + slack

    def test_power_is_close_to_what_the_noncentral_t_says(self):
        """Ten seeds find an effect of one deviation nearly as often as by t alone, and never more often."""
        seen = rates(lambda values: decide_mean(values, AT_LEAST), 1.0, 10)[REPRODUCED]
        power = scipy_stats.nct.sf(scipy_stats.t.ppf(1 - ALPHA, 9), 9, 10**0.5)
        slack = 3.5 * (power * (1 - power) / RUNS) ** 0.5
        assert power - 0.04 - slack <= seen <= power + slack

    @pytest.mark.parametrize("n", SIZES)
    def test_one_more_seed(self, n):
        """Nine of ten further seeds lie in the prediction interval, which is scipy's t with room for one value."""
        draws = np.random.default_rng(40 + n).normal(3.0, 1.0, (RUNS, n + 1))
        ends = [decide_mean(list(map(float, values[:n])), AT_LEAST).prediction for values in draws]
        covered = sum(low <= values[n] <= high for values, (low, high) in zip(draws, ends)) / RUNS
        assert abs(covered - 0.9) <= 3.5 * (0.09 / RUNS) ** 0.5
        first, room = draws[0][:n], (1 + 1 / n) ** 0.5
        assert ends[0] == pytest.approx(scipy_stats.t.interval(0.9, n - 1, first.mean(), first.std(ddof=1) * room))

    @pytest.mark.parametrize("region", [AT_LEAST, BAND, Region(-inf, 0.3)])
    def test_verdict_follows_from_the_interval(self, region):
        """Inside, disjoint, neither: one rule, and it agrees with both p-values; on even data it is scipy's t."""
        for values in np.random.default_rng(5).normal(0.4, 1.0, (300, 6)):
            decision = decide_mean(list(map(float, values)), region)
            low, high = decision.interval
            inside, disjoint = region.low <= low and high <= region.high, high < region.low or low > region.high
            assert decision.verdict == (REPRODUCED if inside else REFUTED if disjoint else INCONCLUSIVE)
            assert (decision.p_inside <= ALPHA) == inside and (decision.p_outside <= ALPHA) == disjoint
            even = [*values, *(0.8 - values)]
            expected = scipy_stats.ttest_1samp(even, 0).confidence_interval(1 - 2 * ALPHA)
            assert decide_mean(even, region).interval == pytest.approx((expected.low, expected.high))

    def test_p_values_of_even_data_are_scipys(self):
        """One-sided p-values of a half line are those of ttest_1samp."""
        values = [0.1, 0.7, -0.2, 0.9, 0.4, 0.8, 0.2, 1.1, 0.0, 0.5]
        assert scipy_stats.skew(values) == pytest.approx(0.0)
        decision = decide_mean(values, Region(0.2, inf))
        assert decision.p_inside == pytest.approx(scipy_stats.ttest_1samp(values, 0.2, alternative="greater").pvalue)
        assert decision.p_outside == pytest.approx(scipy_stats.ttest_1samp(values, 0.2, alternative="less").pvalue)

    def test_opposite_claims_get_opposite_verdicts(self):
        """What reproduces a statement refutes its negation with the same margin."""
        for values in np.random.default_rng(6).normal(0.5, 1.0, (200, 8)):
            one, other = (decide_mean(list(map(float, values)), region) for region in (AT_LEAST, AT_MOST))
            assert (one.verdict == REPRODUCED) == (other.verdict == REFUTED)
            assert (one.verdict == REFUTED) == (other.verdict == REPRODUCED)

    @pytest.mark.parametrize(
        "values, reason",
        [
            ([], "fewer than two"),
            ([1.0], "fewer than two"),
            ([1.0, nan, 2.0], "no number from seed 1"),
            ([1.0, 1.0], "do not differ"),
        ],
    )
    def test_degenerate_data_is_inconclusive(self, values, reason):
        """No verdict from nothing, from one seed, from a diverged one, or from no spread at all."""
        decision = decide_mean(values, AT_LEAST)
        assert decision.verdict == INCONCLUSIVE and reason in decision.reason

    def test_resolution_is_a_floor_under_the_spread(self):
        """Seeds that agree exactly are as sure as one step of the measurement allows."""
        assert decide_mean([1.0] * 5, AT_LEAST, resolution=0.1).verdict == REPRODUCED
        assert decide_mean([0.05] * 5, AT_LEAST, resolution=0.1).verdict == INCONCLUSIVE


def hall(values, truth):
    """Return the statistic as Hall's paper writes it, of scipy's skewness."""
    n, skewness = len(values), scipy_stats.skew(values)
    off = (np.mean(values) - truth) / np.std(values, ddof=1)
    return n**0.5 * (off + skewness * off**2 / 3 + skewness**2 * off**3 / 27 + skewness / (6 * n))


class TestSkewedMeans:
    SAMPLES = [np.random.default_rng(n).lognormal(0, 1, n) for n in (3, 4, 5, 8, 10, 20, 25)]

    @pytest.mark.parametrize("values", SAMPLES, ids=len)
    def test_t_and_hall_have_to_agree(self, values):
        """At the ends of the interval the more careful of the two is at ALPHA: a plain formula and scipy's t."""
        reach, t = scipy_stats.t.ppf(1 - ALPHA, len(values) - 1), scipy_stats.ttest_1samp
        for either in (values, -values):
            low, high = decide_mean(list(map(float, either)), AT_LEAST).interval
            assert min(hall(either, low), t(either, low).statistic) == pytest.approx(reach)
            assert max(hall(either, high), t(either, high).statistic) == pytest.approx(-reach)
            for region in (Region(low, inf), Region(-inf, high)):
                assert decide_mean(list(map(float, either)), region).p_inside == pytest.approx(ALPHA)

    @pytest.mark.parametrize("values", SAMPLES, ids=len)
    @pytest.mark.parametrize("region", [AT_LEAST, BAND, Region(-inf, 2.0), Region(1.0, 1.5)])
    def test_moved_stretched_and_mirrored(self, values, region):
        """Another zero, another unit and the other direction change numbers and no verdict."""
        plain = decide_mean(list(map(float, values)), region)
        for factor, shift in ((1.0, 7.0), (3.0, -2.0), (-1.0, 0.0), (-0.5, 4.0)):
            ends = sorted(factor * end + shift for end in (region.low, region.high))
            moved = decide_mean([float(factor * value + shift) for value in values], Region(*ends))
            assert moved.verdict == plain.verdict
            assert moved.p_inside == pytest.approx(plain.p_inside) and moved.p_outside == pytest.approx(plain.p_outside)
            expected = sorted(factor * end + shift for end in plain.interval)
            assert moved.interval == pytest.approx(tuple(expected))

    @pytest.mark.parametrize("values", SAMPLES, ids=len)
    def test_a_further_end_is_never_more_inside(self, values):
        """P-values only move one way with the edge of a half line, as an interval needs."""
        p_values = [
            decide_mean(list(map(float, values)), Region(edge, inf)).p_inside for edge in np.linspace(-9, 9, 99)
        ]
        assert p_values == sorted(p_values)


class TestBoundedValues:
    """Values of which only bounds are known, such as early stops of runs that were too short."""

    VALUES = [0.8, 0.9, 0.7, 1.0, 0.85]

    def test_bounds_that_are_the_values_change_nothing(self):
        """Known exactly, a value is its own bounds."""
        exact = decide_mean(self.VALUES, AT_LEAST)
        assert decide_mean(self.VALUES, AT_LEAST, 0.0, self.VALUES, self.VALUES) == exact

    def test_direction_decides(self):
        """Values that can only be larger are above zero all the same, are not below two, and lie in no band."""
        bounds = {"low": self.VALUES, "high": [*self.VALUES[:4], inf]}
        above = decide_mean(self.VALUES, AT_LEAST, **bounds)
        exact = decide_mean(self.VALUES, AT_LEAST)
        assert above.verdict == REPRODUCED and above.interval == (exact.interval[0], inf)
        assert above.prediction == (exact.prediction[0], inf)
        assert decide_mean(self.VALUES, Region(-inf, 2.0), **bounds).verdict == INCONCLUSIVE
        assert decide_mean(self.VALUES, Region(-inf, 0.5), **bounds).verdict == REFUTED
        assert decide_mean(self.VALUES, Region(0.0, 2.0), **bounds).verdict == INCONCLUSIVE
        assert decide_mean(self.VALUES, Region(-0.5, 0.5), **bounds).verdict == REFUTED
        assert decide_mean(self.VALUES, Region(3.0, inf)).verdict == REFUTED
        assert decide_mean(self.VALUES, Region(3.0, inf), **bounds).verdict == INCONCLUSIVE

    def test_neither_side(self):
        """Where both directions are open nothing is decided."""
        decision = decide_mean(self.VALUES, AT_LEAST, 0.0, [*self.VALUES[:4], -inf], [*self.VALUES[:4], inf])
        assert decision.verdict == INCONCLUSIVE and decision.interval == (-inf, inf)

    def test_shares_between_counts(self):
        """Of ten seeds seven are surely successes and nine perhaps: each side of a region by the count against it."""
        sure, perhaps = decide_proportion(7, 10, Region(0.5, 1.0)), decide_proportion(9, 10, Region(0.5, 1.0))
        decision = decide_proportion(7, 10, Region(0.5, 1.0), most=9)
        assert decision.interval == (sure.interval[0], perhaps.interval[1])
        assert decision.p_inside == sure.p_inside and decision.p_outside == perhaps.p_outside


class TestProportion:
    @pytest.mark.parametrize("n", SIZES)
    @pytest.mark.parametrize("region, edge", [(Region(0.5, 1.0), 0.5), (Region(0.0, 0.3), 0.3)])
    def test_error_rates_at_the_edge(self, region, edge, n):
        """Exact binomial tests: both errors at most ALPHA at the edge, computed, not simulated."""
        wrong = {REPRODUCED: 0.0, REFUTED: 0.0}
        for successes in range(n + 1):
            verdict = decide_proportion(successes, n, region).verdict
            if verdict in wrong:
                wrong[verdict] += scipy_stats.binom.pmf(successes, n, edge)
        assert wrong[REPRODUCED] <= ALPHA and wrong[REFUTED] <= ALPHA

    @pytest.mark.parametrize("n", [5, 10, 20])
    def test_clear_cases(self, n):
        """All of five and more decide a majority, none refutes it."""
        assert decide_proportion(n, n, Region(0.5, 1.0)).verdict == REPRODUCED
        assert decide_proportion(0, n, Region(0.5, 1.0)).verdict == REFUTED
        assert decide_proportion(0, 0, Region(0.5, 1.0)).verdict == INCONCLUSIVE

    @pytest.mark.parametrize("n", SIZES)
    def test_coverage(self, n):
        """Clopper and Pearson's interval holds the truth at least as often as it says."""
        for truth in (0.1, 0.5, 0.8):
            ends = [decide_proportion(k, n, Region(0.5, 1.0)).interval for k in range(n + 1)]
            covered = sum(
                scipy_stats.binom.pmf(k, n, truth) for k, (low, high) in enumerate(ends) if low <= truth <= high
            )
            assert covered >= 1 - 2 * ALPHA


class TestConjunction:
    @staticmethod
    def decide(parts):
        return decide_all({str(i): decide_mean(list(map(float, values)), AT_LEAST) for i, values in enumerate(parts)})

    def verdicts(self, truths, n, seed):
        draws = np.random.default_rng(seed).normal(np.array(truths)[:, None], 1.0, (RUNS, len(truths), n))
        found = [self.decide(parts).verdict for parts in draws]
        return {verdict: found.count(verdict) / RUNS for verdict in (REPRODUCED, REFUTED)}

    @pytest.mark.parametrize("n", SIZES)
    def test_true_conjunctions_are_seldom_refuted(self, n):
        """All three parts at their edge: some part is refuted in at most ALPHA of the runs."""
        assert self.verdicts([0, 0, 0], n, n)[REFUTED] <= ALPHA + SLACK

    @pytest.mark.parametrize("n", SIZES)
    def test_false_conjunctions_are_seldom_reproduced(self, n):
        """One part at its edge, the others far inside: reproduced in at most ALPHA of the runs."""
        assert self.verdicts([0, 9, 9], n, 50 + n)[REPRODUCED] <= ALPHA + SLACK

    def test_one_false_part_refutes(self):
        """Far outside in one part is enough."""
        assert self.verdicts([9, -9, 9], 10, 0)[REFUTED] > 0.99

    def test_unknown_part_leaves_it_open(self):
        """A part without a verdict gives none to the whole, with its reason."""
        decision = decide_all({"a": decide_mean([5.0, 6.0, 7.0], AT_LEAST), "b": decide_mean([1.0], AT_LEAST)})
        assert decision.verdict == INCONCLUSIVE and "fewer than two" in decision.reason


class TestControls:
    """Parts named `control_...`: they can keep a conjunction from being decided, and cannot refute it."""

    INSIDE, OUTSIDE, OPEN = ([9.0, 9.1, 9.2], [-9.0, -9.1, -9.2], [-1.0, 0.1, 1.0])

    @pytest.mark.parametrize(
        "stated, control, verdict, said",
        [
            (INSIDE, INSIDE, REPRODUCED, ""),
            (INSIDE, OUTSIDE, INCONCLUSIVE, "nothing is decided without a control that works: control_loses"),
            (INSIDE, OPEN, INCONCLUSIVE, "nothing is decided without a control that works: control_loses"),
            (OUTSIDE, INSIDE, REFUTED, ""),
            (OUTSIDE, OUTSIDE, INCONCLUSIVE, "nothing is decided without a control that works: control_loses"),
            (OPEN, INSIDE, INCONCLUSIVE, ""),
        ],
    )
    def test_a_control_only_withholds(self, stated, control, verdict, said):
        """What the paper says decides, where the control works; that ours is idle says nothing against the paper."""
        parts = {"matches": decide_mean(stated, AT_LEAST), "control_loses": decide_mean(control, AT_LEAST)}
        assert (decide_all(parts).verdict, decide_all(parts).reason) == (verdict, said)

    def test_controls_take_no_share_of_the_level(self):
        """A part refutes at ALPHA over the number of parts that can refute."""
        part, works = decide_mean([-1.0, -0.2, -0.9, -0.1], AT_LEAST), decide_mean(self.INSIDE, AT_LEAST)
        alone = decide_all({"matches": part})
        assert decide_all({"matches": part, "control_loses": works}).p_outside == alone.p_outside
        assert decide_all({"matches": part, "also": part}).p_outside == 2 * alone.p_outside


def test_exact():
    """True or false, no third."""
    assert decide_exact(True).verdict == REPRODUCED and decide_exact(False).verdict == REFUTED


def test_holm():
    """The textbook example, and no rejection beyond the first that fails."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == [True, False, False, True]
    assert holm([0.04, 0.04]) == [False, False]
    assert holm([]) == []


def test_holm_keeps_the_family_wise_rate():
    """Thirty true hypotheses give a false alarm in at most ALPHA of the runs."""
    p_values = np.random.default_rng(0).uniform(size=(RUNS, 30))
    assert sum(any(holm(list(row))) for row in p_values) / RUNS <= ALPHA + SLACK


def test_q_values_are_benjamini_hochberg():
    """The smallest q is the smallest p times the number of hypotheses; to the bit scipy's, ties and ends included."""
    assert q_values([0.01, 0.2, 0.9]) == pytest.approx([0.03, 0.3, 0.9])
    assert q_values([]) == []
    generator = np.random.default_rng(0)
    for count in (1, 2, 7, 200):
        p_values = [0.0, 1.0, 0.04, 0.04, *generator.uniform(size=count) ** 3]
        assert q_values(p_values) == scipy_stats.false_discovery_control(p_values).tolist()


def test_drift():
    """Nothing moved, everything moved alike, moved within noise, moved beyond it."""
    assert decide_drift([0.0, 0.0, 0.0]) == 1.0
    assert decide_drift([0.5, 0.5, 0.5]) == 0.0
    assert decide_drift([0.1, -0.2, 0.05, 0.02]) > 0.5
    assert decide_drift([1.0, 1.2, 0.9, 1.1]) < 0.001


def test_flips_are_told_from_chance_by_those_that_flipped_alone():
    """McNemar's exact test: seeds that stayed do not count, both directions alike, and as many of each are chance."""
    assert decide_flips([]) == decide_flips([0.0, 0.0]) == 1.0 == decide_flips([1.0, -1.0])
    assert decide_flips([1.0] * 6) == decide_flips([-1.0] * 6 + [0.0] * 9) == 2 * 0.5**6
