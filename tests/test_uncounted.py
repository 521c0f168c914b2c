"""Verdicts other than expected that are not counted: what the same run's comparison explains is not called chance."""

from types import SimpleNamespace

import pytest

from lottery.claims.baselines import Baseline, rows_of
from lottery.claims.comparison import comparison
from lottery.claims.uncounted import (
    AS_BEFORE,
    MOVED_AWAY,
    UNDECIDED,
    against_entry,
    is_uncounted,
    moves_of,
    why_uncounted,
)
from lottery.plugin.run_report import RunReport
from lottery.report.answer import refuted
from lottery.report.results_table import summary
from lottery.report.screen import screen
from tests.result_helpers import result, whole

SEEDS = [85.0, 85.5, 86.15, 85.2, 85.9]


def compared(by, before="reproduced", expected="reproduced", verdict="refuted"):
    """Return a report of a claim whose verdict is not the expected one, after a move of its seeds."""
    now = result(
        effects=[one + by + by * seed / 50 for seed, one in enumerate(SEEDS)],
        **{"verdict": verdict, "expected_verdict": expected, "counts": False, "estimate": 85.0 + by},
    )
    then = result(effects=SEEDS, verdict=before)
    report = whole(now)
    return report | {"baseline": comparison(report, Baseline({then["id"]: rows_of(then)}, False, "before"))}


def remarks_of(report):
    """Return the lines that a run has about the report's claims, and whether these lines alone fail it."""
    run = SimpleNamespace(content=report, faults=[], missing=[], interrupted=False, strict=False)
    run.count_failures = lambda: 0
    run._uncounted = lambda one: RunReport._uncounted(run, one)
    return RunReport._gate(run, report["claims"])


@pytest.mark.parametrize(
    "by, verdict, expected, why",
    [
        (-9, "refuted", "reproduced", MOVED_AWAY),
        (9, "refuted", "reproduced", UNDECIDED),  # it moved, and towards what agrees
        (9, "reproduced", "refuted", MOVED_AWAY),
        (-9, "reproduced", "refuted", UNDECIDED),
        (0, "refuted", "reproduced", AS_BEFORE),
        (1e-6, "refuted", "reproduced", UNDECIDED),  # rounding says nothing
    ],
)
def test_the_comparison_says_why(by, verdict, expected, why):
    """In the remarks, on the screen, and of no claim that moved away is it said that nobody can tell."""
    report = compared(by, verdict=verdict, expected=expected)
    (one,) = report["claims"]
    assert is_uncounted(one) and why_uncounted(one, moves_of(report)) == why
    said = remarks_of(report)
    assert any(why in line for line in said) and ("chance among" in " ".join(said)) == (why == UNDECIDED)
    if verdict == "refuted":
        assert refuted([one], moves_of(report))[1].endswith(f"1 not counted: {why}")
        text = " ".join(line.text for line in screen(report, [], 1, 100, "0.1.0"))
        assert f"1 not counted: {why}" in text and "that can be chance" not in text


def test_without_a_comparison_nobody_can_tell():
    """Nor by the moves of other claims."""
    one = result(verdict="refuted", counts=False)
    assert moves_of(whole(one)) == [] and why_uncounted(one, []) == UNDECIDED
    assert why_uncounted(one | {"id": "zhou2019.other[x]"}, moves_of(compared(-9))) == UNDECIDED


@pytest.mark.parametrize("verdict, words", [("refuted", 'basis = "baseline"'), ("reproduced", "take expected out")])
def test_an_entry_is_told_what_to_expect(verdict, words):
    """As entries have it: what is reproduced needs no word."""
    expected = {"refuted": "reproduced", "reproduced": "refuted"}[verdict]
    told = against_entry(result(verdict=verdict, expected_verdict=expected))
    assert told.startswith(f"verdict {verdict}, the entry expects {expected}: ") and words in told


@pytest.mark.parametrize("counts, own, other", [(True, "claims", 1), (False, "claims", 0), (True, "criteria", 1)])
def test_the_line_below_the_table_counts_as_the_answer_does(counts, own, other):
    """What fails the run, of users' criteria too, such as one that raised."""
    one = result(
        verdict="error" if own == "criteria" else "refuted", counts=counts, reason="it raised" * (own == "criteria")
    )
    report = whole() | {own: [one]}
    assert f"{other} other than expected; " in summary(report)
    text = " ".join(line.text for line in screen(report, [], 1, 100, "0.1.0"))
    assert f"{other or 'none'} other than expected" in text
