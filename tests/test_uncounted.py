"""Verdicts other than expected that are not counted: what the same run's comparison explains is not called chance."""

from types import SimpleNamespace

import pytest

from lottery.claims.baselines import Baseline, rows_of, write
from lottery.claims.comparison import comparison
from lottery.claims.uncounted import (
    AS_BEFORE,
    MOVED_AWAY,
    UNDECIDED,
    VERDICT_AS_BEFORE,
    against_entry,
    is_open_as_before,
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
    return RunReport._gate(run, report["claims"])


def gated(report, strict=False):
    """Return the remarks of a run's gate, and whether it fails the run."""
    run = SimpleNamespace(content=report, faults=[], missing=[], interrupted=False, strict=strict)
    run.count_failures = lambda: 0
    return RunReport._gate(run, report["claims"]), run.failed


@pytest.mark.parametrize(
    "by, verdict, expected, why",
    [
        (-9, "refuted", "reproduced", MOVED_AWAY),
        (9, "refuted", "reproduced", UNDECIDED),  # it moved, and towards what agrees
        (9, "reproduced", "refuted", MOVED_AWAY),
        (-9, "reproduced", "refuted", UNDECIDED),
        (0, "refuted, as before", "reproduced", AS_BEFORE),
        (1e-6, "refuted", "reproduced", UNDECIDED),  # rounding says nothing of what turned
        (1e-6, "refuted, as before", "reproduced", VERDICT_AS_BEFORE),  # as on another machine
    ],
)
def test_the_comparison_says_why(by, verdict, expected, why):
    """In the remarks, on the screen, and of no claim that moved away is it said that nobody can tell."""
    verdict, _, known = verdict.partition(", ")
    report = compared(by, verdict=verdict, expected=expected, before=verdict if known else "reproduced")
    (one,) = report["claims"]
    assert is_uncounted(one) and why_uncounted(one, moves_of(report)) == why
    said = remarks_of(report)
    assert any(why in line for line in said) and ("(docs/gate.md)" in " ".join(said)) == (why == UNDECIDED)
    if verdict == "refuted":
        assert refuted([one], moves_of(report))[1].endswith(f"1 not counted: {why}")
        text = " ".join(line.text for line in screen(report, 120))
        assert f"1 not counted: {why}" in text and "that can be chance" not in text


@pytest.mark.parametrize(
    "counts, told", [(False, "none other than expected by more than chance."), (True, "1 other than expected.")]
)
def test_none_is_other_than_expected_by_more_than_chance(counts, told):
    """Where something is other than expected and not counted, in all that says how many are."""
    report = compared(0, before="refuted")
    report["claims"][0] |= {"counts": counts}
    assert told in screen(report, 100)[2].text
    assert f"{int(counts)} other than expected{' by more than chance' * (not counts)};" in summary(report)


def test_a_control_that_is_lost_is_counted():
    """Whatever the gate makes of it, and no line says otherwise."""
    lost = result(negative_control=True, expected_verdict="refuted", verdict="reproduced", counts=False)
    assert not is_uncounted(lost) and remarks_of(whole(lost)) == []


OPEN = {"verdict": "inconclusive", "before": "inconclusive"}


@pytest.mark.parametrize(
    "by, words, others, is_known",
    [
        (0, OPEN, [], True),
        (1e-6, OPEN, [], True),  # on another machine
        (0, OPEN, [result("zhou2019.b[x]", verdict="skipped", reason="it needs mnist")], True),
        (0, OPEN, [result("zhou2019.b[x]", verdict="skipped", reason="budget")], False),
        (0, OPEN, [result("zhou2019.b[x]", verdict="inconclusive")], False),  # which the baseline does not know
        (-9, OPEN, [], False),
        (0, {"verdict": "inconclusive", "before": "reproduced"}, [], False),
        (0, {"verdict": "skipped", "before": "skipped"}, [], False),
        (0, {"verdict": "inconclusive", "before": "skipped"}, [], False),
    ],
)
def test_a_run_that_decides_nothing_fails_unless_its_baseline_knows_that(by, words, others, is_known):
    """By the remarks, the first words on the screen and the exit status; --strict fails it all the same."""
    report = compared(by, **words)
    report["claims"] += others
    assert is_open_as_before(report["claims"], moves_of(report)) == is_known
    remarks, failed = gated(report)
    assert [line for line in remarks if line.startswith("nothing was decided")] == [
        "nothing was decided, and neither was it in the baseline"
        if is_known
        else "nothing was decided, so the run fails"
    ]
    assert failed == (not is_known) and gated(report, strict=True)[1] == (words["verdict"] != "skipped" or failed)
    head = screen(report, 100)[2].text
    assert head.startswith("OPEN, AS IN THE BASELINE  " if is_known else "NOTHING DECIDED  ")


def test_results_without_verdicts_of_the_baseline_are_read():
    """Of an earlier version."""
    report = compared(1e-6, **OPEN)
    for move in report["baseline"]["moves"]:
        del move["verdicts"]
    assert not is_open_as_before(report["claims"], moves_of(report))
    assert screen(report, 80)[2].text.startswith("NOTHING DECIDED")


@pytest.mark.parametrize("before, is_failed", [(None, True), ("another verdict", True), ("the same", False)])
def test_a_run_that_rewrites_the_baseline_fails_once(tmp_path, before, is_failed):
    """First rows that agree with their entries included: something was written that nobody has seen."""
    report = whole(result(effects=SEEDS))
    if before:
        then = result(effects=SEEDS, verdict="reproduced" if before == "the same" else "refuted")
        write(whole(then), lambda paper: tmp_path)
    run = SimpleNamespace(content=report, tables={"zhou2019": tmp_path}, interrupted=False, failed=False, urgent=[],
                          notes=[])  # fmt: skip
    for again in (False, True):
        RunReport.update(run)
        assert run.failed == (is_failed and not again)
        assert any(line.startswith("the run fails once") for line in run.urgent) == run.failed
        word = screen(report | {"exit_status": int(run.failed)}, 80)[2].text
        assert word.startswith("FAILED, see below" if run.failed else "AS EXPECTED")
        run.failed, run.urgent = False, []


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
    assert f"{other} other than expected{' by more than chance' * (not counts)}; " in summary(report)
    text = " ".join(line.text for line in screen(report, 100))
    assert f"{other or 'none'} other than expected" in text
