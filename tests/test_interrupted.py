"""Runs that were interrupted: what is useful comes first, and nothing is accused that was only not reached."""

from types import SimpleNamespace

import pytest

from lottery.plugin.run_report import RunReport
from lottery.report.screen import screen
from tests.result_helpers import result, whole

OPEN = result("zhou2019.open[x]", verdict="inconclusive", reason="few")
ODD = result("zhou2019.odd[x]", verdict="refuted", reason="odd")
NOT_REACHED = ["benchmarks/test_zhou_2019.py::test_late"] * 3


def lines_of(*results):
    """Return the lines of the screen of a run that was interrupted after these results."""
    report = whole(*results) | {"no_verdict": NOT_REACHED}
    return [line.text for line in screen(report | {"exit_status": 2}, 80)]


@pytest.mark.parametrize("results", [[], [OPEN], [result()], [result(), OPEN]])
def test_it_says_first_what_is_kept(results):
    """Whether or not anything was decided; tests that were not reached are among those that were asked."""
    text = " ".join(" ".join(lines_of(*results)[2:]).split())
    assert text.startswith(f"INTERRUPTED {len(results)} of {len(results) + 3} tests answered, ")
    assert "; everything that was finished is kept, and the same command continues from there. " in f"{text} "
    assert "no verdict:" not in text and "brought" not in text


def test_without_answers_there_is_no_table():
    """Nor a word on what no answers are worth."""
    assert len(lines_of()) <= 5 and not any("answers are" in line or "reproduced" in line for line in lines_of())


def test_what_is_other_than_expected_is_still_the_first_word():
    """It stays true."""
    text = " ".join(" ".join(lines_of(result(), ODD)).split())
    assert "OTHER THAN EXPECTED 2 of 5 tests answered, 1 other than expected; interrupted: everything" in text


@pytest.mark.parametrize("interrupted", [True, False])
def test_tests_that_were_not_reached_are_no_fault(interrupted):
    """Where a run came to its end, they are named."""
    run = SimpleNamespace(content=whole(OPEN), faults=[], missing=NOT_REACHED, interrupted=interrupted, strict=False)
    run.count_failures = lambda: 0
    told = RunReport._gate(run, [OPEN])
    assert (told == []) == interrupted and any("brought no verdict" in line for line in told) != interrupted
