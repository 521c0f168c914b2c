"""Exit status: what unchanged code does by chance does not count, a flip does, with a baseline and without."""

from math import inf

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind

from lottery.claims.baselines import rows_of
from lottery.claims.chance import chance_of_deviation, chance_of_mean, chance_of_share, comparable, p_unchanged
from lottery.claims.exit_status import GUARDED, TESTED, counts, guarded
from lottery.claims.statistics import ALPHA, INCONCLUSIVE, REFUTED, REPRODUCED, Region, decide_mean, decide_proportion
from tests import result_helpers

ASKED = "question"


def result(id, verdict, expected="reproduced", p_inside=0.5, p_outside=0.5, kind="effect", **changes):
    """Return a result of which nothing but its verdict and its p-values is known."""
    about = {"verdict": verdict, "expected_verdict": expected, "p_inside": p_inside, "p_outside": p_outside}
    return result_helpers.result(f"some2020.{id}", **about, kind=kind, question=ASKED, **changes)


def of_share(id, positive, n=10, region=(0.5, 1.0), expected="reproduced"):
    """Return the result of a proportion."""
    decision = decide_proportion(positive, n, Region(*region))
    effects = [1.0] * positive + [-1.0] * (n - positive)
    found = {"estimate": positive / n, "n": n, "region": list(region), "effects": effects}
    return result(id, decision.verdict, expected, decision.p_inside, decision.p_outside, "proportion", **found)


def of_mean(id, values, region=(0.0, inf), expected="reproduced"):
    """Return the result of an effect."""
    decision = decide_mean(list(values), Region(*region))
    bounds = [end if abs(end) < inf else None for end in region]
    found = {"estimate": decision.estimate, "n": len(values), "region": bounds, "effects": list(values)}
    return result(id, decision.verdict, expected, decision.p_inside, decision.p_outside, **found)


def baseline(*results):
    return {one["id"]: rows_of(one) for one in results}


QUIET = [result(f"quiet{i}", "reproduced", p_inside=0.01, p_outside=0.99) for i in range(20)]
SPREAD = np.random.default_rng(0).normal(0, 1, 20)
SPREAD -= SPREAD.mean()


@pytest.mark.parametrize(
    "deviating, count",
    [
        (result("x", "refuted", p_inside=1.0, p_outside=1e-6), True),
        (result("x", "refuted", p_inside=1.0, p_outside=0.03), False),  # one in thirty, among 21 claims
        (result("x", "reproduced", "refuted", p_inside=1e-6, p_outside=1.0), True),
        (result("x", "reproduced", "inconclusive", p_inside=1e-6, p_outside=1.0), True),
        (result("x", "reproduced", "inconclusive", p_inside=0.03, p_outside=0.97), False),
        (result("x", "refuted", "any", p_inside=1.0, p_outside=1e-6), False),
        (result("x", "inconclusive"), False),
        (result("x", "refuted", p_inside=1.0, p_outside=0.0, kind="exact"), True),
    ],
)
def test_what_counts_among_twenty_quiet_claims(deviating, count):
    """Without a baseline Holm's procedure decides, by p-values of expected verdicts; exact claims know no chance."""
    assert counts([*QUIET, deviating]) == ({"some2020.x"} if count else set())


def test_exact_claims_do_not_dilute_the_family():
    """However many exact claims there are, the level for the others stays what it is."""
    exact = [result(f"exact{i}", "reproduced", p_inside=0.0, p_outside=1.0, kind="exact") for i in range(100)]
    assert counts([result("x", "refuted", p_inside=1.0, p_outside=0.02), *exact]) == {"some2020.x"}


def test_a_claim_without_p_values_is_left_out():
    """Skipped and diverged claims were not tested."""
    assert counts([result("x", "skipped", p_inside=None, p_outside=None)]) == set()


class TestShares:
    @pytest.mark.parametrize("others", [10, 60, 200])
    def test_a_flipped_share_fails_the_run_among_many(self, others):
        """Ten of ten that become none of ten count, however many claims there are; Holm over all would miss them."""
        before = [of_share(f"s{i}", 10) for i in range(others)]
        now = [of_share("s0", 0), *before[1:]]
        assert counts(now, baseline(*before)) == {"some2020.s0"}
        assert others < 60 or ALPHA / others < now[0]["p_outside"]  # which is what Holm's procedure asks for

    def test_a_flipped_share_can_fail_without_a_baseline(self):
        """A claim that is new counts among the proportions of a scale, and in a checkout without tables."""
        assert counts([of_share("s0", 0, 14), *(of_share(f"s{i}", 14, 14) for i in range(1, 30))]) == {"some2020.s0"}

    def test_a_flipped_part_fails_the_run(self):
        """A conjunction of five shares, one of which flips, is as able to fail."""
        shared = {"estimate": None, "effects": [], "n": 11, "region": None}
        parts = [{**of_share("", 11, 11), "name": f"part{i}"} for i in range(5)]
        before = [result(f"c{i}", "reproduced", kind="conjunction", parts=parts, **shared) for i in range(50)]
        flipped = [{**of_share("", 0, 11), "name": "part0"}, *parts[1:]]
        now = {**before[0], "verdict": "refuted", "p_outside": 5 * flipped[0]["p_outside"], "parts": flipped}
        assert counts([now, *before[1:]], baseline(*before)) == {"some2020.c0"}

    @pytest.mark.parametrize("kind", ["effect", "proportion"])
    def test_a_part_is_what_it_says(self, kind):
        """Of a mean that happens to be as large as the share of its positive seeds, too."""
        then, now = [2.0, 1.5, 1.0, 0.5, -1.0], [-0.5, 0.5, 0.1, 1.0, 2.0]
        shared = {"estimate": 0.8, "region": [0.0, 1.0], "n": 5, "verdict": "reproduced", "kind": kind, "name": "part"}
        assert sum(then) / 5 == 0.8 == sum(effect > 0 for effect in then) / 5
        before, after = (
            result("c", "reproduced", kind="conjunction", effects=[], parts=[{**shared, "effects": effects}])
            for effects in (then, now)
        )
        welch = float(ttest_ind(now, then, equal_var=False).pvalue)
        assert welch < 1 and p_unchanged(after, rows_of(before)) == (pytest.approx(welch) if kind == "effect" else 1.0)
        other = {"effect": "proportion", "proportion": "effect"}[kind]
        after["parts"][0]["kind"] = other
        assert not comparable(after, rows_of(before))

    def test_what_rounding_leaves_of_zero_is_not_counted(self):
        """Neither before nor now: the chances are those of equal numbers."""
        equal, rounded = [0.0] * 10, [7e-15, -7e-15] * 5
        for verdict in (REPRODUCED, REFUTED):
            chances = [chance_of_share(one, 10, Region(0.5, 1.0), verdict) for one in (equal, rounded)]
            assert chances[0] == chances[1]
        before, now = of_share("s", 0) | {"effects": equal}, of_share("s", 0) | {"effects": rounded}
        assert p_unchanged(now, rows_of(before)) == p_unchanged(before, rows_of(now)) == 1.0

    def test_controls_do_not_refute(self):
        """A conjunction with a control is as likely refuted as without, by parts that share ALPHA among themselves."""

        def chance(verdict, *names):
            parts = [{**of_share("", 12, 14), "name": name} for name in names]
            about = {"kind": "conjunction", "effects": [], "parts": parts}
            one = result("c", verdict, {REPRODUCED: REFUTED, REFUTED: REPRODUCED}[verdict], **about)
            return chance_of_deviation(one, rows_of(one))

        assert chance(REFUTED, "a", "b", "control_loses") == chance(REFUTED, "a", "b")
        assert chance(REFUTED, "a", "b", "c") > chance(REFUTED, "a", "b")
        assert chance(REPRODUCED, "a", "control_loses") == chance(REPRODUCED, "a")

    def test_what_was_even_before_may_turn(self):
        """A share that the baseline could not decide does not fail the run when chance decides it."""
        before = [of_share(f"s{i}", 5) for i in range(40)]
        assert counts([of_share("s0", 1), *before[1:]], baseline(*before)) == set()

    @pytest.mark.parametrize("positive, n", [(10, 10), (7, 10), (3, 8)])
    @pytest.mark.parametrize("verdict", [REPRODUCED, REFUTED])
    def test_chance_is_that_of_drawing(self, positive, n, verdict):
        """Truths that the count leaves possible, then a new count, then the rule: as often as the formula says."""
        generator, region, runs = np.random.default_rng(1), Region(0.5, 1.0), 40_000
        truths = generator.beta(positive + 1, n - positive + 1, runs)
        verdicts = {k: decide_proportion(k, 12, region).verdict for k in range(13)}
        seen = np.mean([verdicts[k] == verdict for k in generator.binomial(12, truths)])
        effects = [1.0] * positive + [-1.0] * (n - positive)
        assert chance_of_share(effects, 12, region, verdict) == pytest.approx(seen, abs=4 * (0.25 / runs) ** 0.5)

    def test_chance_without_a_count(self):
        """The truth lies anywhere in the region."""
        generator, region, runs = np.random.default_rng(2), Region(0.2, 0.6), 40_000
        verdicts = {k: decide_proportion(k, 20, region).verdict for k in range(21)}
        seen = np.mean([verdicts[k] == REFUTED for k in generator.binomial(20, generator.uniform(0.2, 0.6, runs))])
        assert chance_of_share(None, 20, region, REFUTED) == pytest.approx(seen, abs=4 * (seen / runs) ** 0.5)


class TestMeans:
    def test_a_loss_fails_a_claim_that_was_far_inside(self):
        """A guarded claim counts at once."""
        before = [of_mean(f"m{i}", 3 + SPREAD) for i in range(60)]
        assert counts([of_mean("m0", SPREAD[::-1] - 0.7), *before[1:]], baseline(*before)) == {"some2020.m0"}

    def test_near_the_edge_what_the_baseline_had_is_no_deviation(self):
        """Of a claim that the baseline has outside its region already, Holm's procedure alone would cry wolf."""
        before, now = of_mean("m", SPREAD - 0.3), of_mean("m", 1.2 * SPREAD - 1.0)
        quiet = [of_mean(f"m{i}", 3 + SPREAD) for i in range(10)]
        assert before["verdict"] == INCONCLUSIVE and now["p_outside"] < TESTED / 11
        assert counts([now, *quiet]) == {"some2020.m"}
        assert counts([now, *quiet], baseline(before, *quiet)) == set()
        assert counts([of_mean("m", SPREAD - 9), *quiet], baseline(before, *quiet)) == {"some2020.m"}

    @pytest.mark.parametrize("region", [Region(-0.4, inf), Region(-inf, 0.9), Region(-0.8, 1.2)])
    @pytest.mark.parametrize("verdict", [REPRODUCED, REFUTED])
    def test_chance_is_about_that_of_drawing(self, region, verdict):
        """Truths and spreads that a baseline of normal seeds leaves possible, then new seeds, then Student's interval.

        The rule asks for a second test beside Student's, so that it decides at most as often.
        """
        generator, then, runs, seen, ruled = np.random.default_rng(3), list(SPREAD[:10]), 1000, 0, 0
        for _ in range(runs):
            spread = np.std(then, ddof=1) * np.sqrt(9 / generator.chisquare(9))
            truth = generator.normal(np.mean(then), spread / np.sqrt(10))
            values = generator.normal(truth, spread, 10)
            low, high = ttest_1samp(values, 0).confidence_interval(1 - 2 * ALPHA)
            inside, disjoint = region.low <= low and high <= region.high, high < region.low or low > region.high
            seen += inside if verdict == REPRODUCED else disjoint
            ruled += decide_mean(list(map(float, values)), region).verdict == verdict
        assert chance_of_mean(then, 10, region, verdict) == pytest.approx(seen / runs, abs=0.1)
        assert ruled <= seen

    def test_seeds_that_all_agree(self):
        """No spread at all is no trouble."""
        before, now = of_mean("m", [1.0] * 5), of_mean("m", [-1.0] * 5)
        assert p_unchanged(now, rows_of(before)) < 1e-9 and p_unchanged(before, rows_of(before)) == 1.0
        assert chance_of_mean([1.0] * 5, 5, Region(0.0, inf), REFUTED) == 0.0


class TestFamily:
    def test_chances_of_guarded_claims_stay_within_their_budget(self):
        """As many are guarded as the budget holds, the safest first."""
        near = [of_mean(f"m{i}", -0.1 + 0.05 * i + SPREAD) for i in range(20)]
        rows = baseline(*near)
        safe = guarded(near, rows)
        chances = {one["id"]: chance_of_deviation(one, rows[one["id"]]) for one in near}
        assert 0 < len(safe) < 20 and sum(chances[id] for id in safe) <= GUARDED
        left = min(chance for id, chance in chances.items() if id not in safe)
        assert max(chances[id] for id in safe) <= left and sum(chances[id] for id in safe) + left > GUARDED

    @pytest.mark.parametrize("changes", [{"question": "other"}, {"data_fingerprint": "other"}, {"parts": None}])
    def test_a_stale_baseline_is_not_used(self, changes):
        """Another question, other data, other parts: the claim is judged as one without a baseline."""
        before = of_mean("m", 3 + SPREAD)
        now = of_mean("m", SPREAD - 0.7) | changes
        now |= {"parts": [{**now, "name": "part"}]} if changes == {"parts": None} else {}
        assert comparable(before, rows_of(before)) and not comparable(now, rows_of(before))
        quiet = [of_mean(f"m{i}", 3 + SPREAD) for i in range(60)]
        known = baseline(before, *quiet)
        assert counts([now, *quiet], known) == counts([now, *quiet], baseline(*quiet))

    @pytest.mark.parametrize("kind, effects, known", [
        ("effect", [], False), ("effect", [1.0], False), ("effect", [1.0, None], False), ("effect", [1.0, 1.1], True),
        ("proportion", [], False), ("proportion", [None], False), ("proportion", [1.0], True),
    ])  # fmt: skip
    @pytest.mark.parametrize("whole", [False, True])
    def test_what_was_not_measured_is_no_baseline(self, kind, effects, known, whole):
        """A mean needs two seeds and a share one, in every part of a conjunction."""
        one = result("c", "inconclusive", kind=kind, effects=effects)
        if whole:
            parts = [one | {"name": "first"}, one | {"name": "second", "effects": [1.0, 2.0]}]
            one = result("c", "inconclusive", kind="conjunction", effects=[], parts=parts)
        assert comparable(one, rows_of(one)) == known

    def test_the_question_of_the_last_run_counts(self):
        """Not the first one that was ever asked, nor that nothing is asked."""
        now = of_mean("m", 3 + SPREAD)
        assert not comparable(now, [rows_of(now)[0]._replace(question="", first=ASKED)])
        skipped = result("m", "skipped", effects=[]) | {"question": ""}
        assert not comparable(skipped, rows_of(skipped))
