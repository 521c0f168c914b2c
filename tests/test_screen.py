"""The answer on one screen: it fits, it counts every claim once, and says in words what colours say."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery.claims.results import SCHEMA
from lottery.cli.main import main
from lottery.core.text import in_encoding
from lottery.report.annotations import annotations
from lottery.report.explanation import explanation
from lottery.report.interval_bar import interval_bar
from lottery.report.screen import screen
from tests.result_helpers import cell, result, whole

NUMBER = st.floats(-1e4, 1e4)
PAPERS = {"zhou2019": "Z", "frankle_carbin2019": "F", "lottery2026": "+"}


def many(count, verdicts):
    """Return so many results, of papers in turn, with these verdicts in turn; half of them have headlines."""
    found = []
    for number in range(count):
        paper, verdict = list(PAPERS)[number % 3], verdicts[number % len(verdicts)]
        found.append(
            result(
                f"{paper}.a_claim_with_quite_a_long_name_of_its_own_{number}[lenet-300-100]",
                letter=PAPERS[paper],
                number=str(number),
                title=f"{paper} 2019, A Title",
                verdict=verdict,
                expected_verdict="reproduced" if verdict == "reproduced" else verdict,
                expected_basis="baseline" if verdict == "refuted" else "",
                headline="a headline of some length here" if number % 2 else "",
                reason="two chains of their own would take half an hour" if verdict == "skipped" else "",
            )
        )
    return found


@given(
    st.integers(0, 300),
    st.lists(st.sampled_from(["reproduced", "refuted", "inconclusive", "skipped"]), min_size=1, max_size=7),
    st.integers(40, 260),
)
@settings(deadline=None, max_examples=40)
def test_it_fits_and_counts_everything(count, verdicts, width):
    """However many claims there are: 50 lines, none longer than the terminal, every claim in the papers' table."""
    found = many(count, verdicts)
    lines = [line.text for line in screen(whole(*found), ["a note"], 0, width, "0.1.0")]
    assert len(lines) <= 50 and max(map(len, lines)) <= max(80, min(200, width))
    rows = [line for line in lines if line[:3] in {f"{letter}  " for letter in PAPERS.values()}]
    cells = [cell for row in rows for cell in row.split()[-7:-3]]  # before "6 of 34"
    assert sum(int(cell) for cell in cells if cell != "-") == count


def test_what_is_other_than_expected_comes_first():
    """In words, with both verdicts, the numbers, and what would agree; an error with its message."""
    odd = result(verdict="refuted", estimate=70.0, interval=[69.0, 71.0])
    broken = result("zhou2019.other[x]", verdict="inconclusive", error=True, reason="criterion 'c' raised it")
    text = "\n".join(line.text for line in screen(whole(odd, broken, result("zhou2019.c[x]")), [], 1, 120, "0.1.0"))
    assert "OTHER THAN EXPECTED  3 of 3 tests answered, 2 other than expected" in text and "exit status 1" in text
    assert "refuted, not reproduced: 70.0 [69.0, 71.0] %, agrees from 80.0" in text
    assert (
        "criterion 'c' raised it" in text and text.index("criterion 'c'") < text.index("PAPER")
        if "PAPER" in text
        else True
    )


@pytest.mark.parametrize(
    "status, state", [(0, "AS EXPECTED"), (1, "FAILED, see below"), (2, "INTERRUPTED"), (None, "AS EXPECTED")]
)
def test_the_state_is_the_exit_status(status, state):
    """A drift fails a run whose verdicts are all as expected; a run that is shown later has no status."""
    lines = [line.text for line in screen(whole(result()), ["it drifted"], status, 100, "0.1.0")]
    assert lines[2].startswith(f"{state}  1 of 1") and ("exit status" in lines[0]) == (status is not None)


def test_every_terminal_can_show_it():
    """In ASCII no character is lost to a question mark."""
    found = many(12, ["reproduced", "refuted", "inconclusive"])
    for line in screen(whole(*found), [], 0, 100, "0.1.0"):
        assert "?" not in in_encoding(line.text, "ascii")


ENDS = st.tuples(st.none() | NUMBER, st.none() | NUMBER)


@given(ENDS, NUMBER, st.none() | ENDS, st.integers(8, 60), st.booleans())
@settings(max_examples=300)
def test_a_picture_shows_the_estimate(region, estimate, interval, width, zero):
    """Of any numbers, in any order, it has its width and one estimate."""
    bar = interval_bar(region, estimate, interval, width, zero)
    assert len(bar) == width and bar.count("●") == 1


@pytest.mark.parametrize(
    "region, estimate, interval, inside",
    [
        ([0, None], 5.0, [4, 6], True),
        ([0, None], -5.0, [-6, -4], False),
        ([-1, 1], 0.1, [-0.2, 0.3], True),
        ([None, 3], 9.0, [8, 10], False),
    ],
)
def test_a_picture_tells_inside_from_outside(region, estimate, interval, inside):
    """An interval inside of the region has the region beside it; one outside touches none of it."""
    bar = interval_bar(region, estimate, interval, 40, zero=False)
    left, right = bar.index("├"), bar.index("┤")
    beside = bar[max(0, left - 1)] + bar[min(39, right + 1)]
    assert ("░" in beside) == inside and "░" in bar


def test_an_explanation_has_everything(capsys, tmp_path):
    """Statement, source, region and reason, seeds, p-values, arms by round, test, and how to run it again."""
    arms = {
        f"ticket, round {round}, accuracy": {"values": [1.0 + round, 2.0], "failed": [], "censored": [0]}
        for round in (1, 2)
    }
    one = result(arms=arms, number="12")
    text = explanation(one, whole(one), 100)
    for words in (
        "Z12  zhou2019.claim[lenet-300-100]",
        "It holds.",
        "section 3",
        "86 % (abstract)",
        "from 80.0 %: The paper prints it.",
        "Digits are images, too.",
        "seeds 85.0 85.5 86.2",
        "p-value of agreeing 1, of not agreeing 0.001",
        "1: 2<   2: 2.5<",
        "benchmarks/test_zhou_2019.py:7",
        "--scale tiny -k claim",
    ):
        assert words in text, words
    assert max(map(len, text.splitlines())) <= 100
    (tmp_path / "results.json").write_text(json.dumps(whole(one, result("zhou2019.other[x]", number="3"))))
    for name in ("Z12", "claim[lenet-300-100]", "zhou2019.claim[lenet-300-100]"):
        assert main(["explain", name, str(tmp_path)]) == 0
        assert "Z12  zhou2019.claim" in capsys.readouterr().out
    assert main(["explain", "clam", str(tmp_path)]) == 2
    assert "did you mean claim" in capsys.readouterr().err


def test_show_selects(capsys, tmp_path):
    """By verdict and by words; without either the screen; the whole table when that is asked for."""
    found = [
        result(),
        result("zhou2019.other[x]", verdict="refuted", expected_verdict="refuted", expected_basis="control"),
    ]
    (tmp_path / "results.json").write_text(json.dumps(whole(*found)))
    for words, has, lacks in (
        (["--refuted"], "other[x]", "claim[lenet"),
        (["-k", "claim"], "claim[lenet", "other[x]"),
        ([], "AS EXPECTED  2 of 2", "It holds"),
        (["--table"], "verdict", "AS EXPECTED"),
        (["--skipped"], "no claim of this run matches", "claim["),
    ):
        assert main(["show", str(tmp_path), *words]) == (5 if words == ["--skipped"] else 0)
        said = capsys.readouterr().out
        assert has in said and lacks not in said


@pytest.mark.parametrize(
    "content, message",
    [
        ("{", "is not a results.json"),
        ("[]", "is not a results.json"),
        (json.dumps({"schema": SCHEMA - 1}), f"has schema {SCHEMA - 1}, and this version reads {SCHEMA}; run again"),
        (None, "has no results: lottery run makes some"),
    ],
)
def test_other_files_are_one_message(capsys, tmp_path, content, message):
    """Damaged, of another schema, or none."""
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    assert main(["show", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_annotations_are_one_line_each():
    """Of what fails and of what deviates by chance, at the test's file and line, with everything escaped."""
    odd = result("zhou2019.odd[a,b]", verdict="inconclusive", error=True, reason="100 % wrong:\nvery")
    chance = result("zhou2019.chance[x]", verdict="refuted", counts=False)
    lines = list(annotations([odd, chance, result()]))
    assert len(lines) == 2 and not any("\n" in line for line in lines)
    assert lines[0].startswith("::error file=benchmarks/test_zhou_2019.py,line=7,title=Z12 zhou2019.odd[a%2Cb]::")
    assert lines[0].endswith("100 %25 wrong:%0Avery") and lines[1].startswith("::warning file=benchmarks/")


class TestNotAsked:
    """What was not asked, with what it takes here where that is known."""

    RESULTS = (
        result("zhou2019.late[lenet-300-100]", verdict="skipped", reason="budget"),
        result("zhou2019.large[lenet-300-100]", verdict="skipped", reason="needs mnist", asked_at=["reduced", "paper"]),
        result("zhou2019.never[lenet-300-100]", verdict="skipped", reason="needs more", asked_at=[]),
    )

    def lines(self, **costs):
        """Return the lines about what was not asked, of a run that has these costs."""
        report = whole(*self.RESULTS) | {"costs": costs}
        shown = [line.text for line in screen(report, [], 0, 80, "0.1.0")]
        return shown[shown.index("NOT ASKED AT THIS SCALE  3") + 1 :]

    def test_costs_that_are_known(self):
        """Of the next scale the command that runs it, of the budget the time that the rest takes."""
        assert self.lines(budget=250.0, reduced=7200.0) == [
            "     1 are asked at --scale reduced 2.0 h here: lottery run --scale reduced",
            "     1 do not fit the budget        run again: 4.2 min more here",
            "     1 are asked at no scale        lottery show --skipped tells why",
        ]

    def test_costs_that_are_not_known(self):
        """The command that tells them."""
        large, late, _ = self.lines()
        assert late.endswith("what is finished is kept") and large.endswith(
            "lottery plan --scale reduced tells the cost"
        )


def test_own_criteria_are_scored():
    """A row for each question beside the references; what went wrong below; other sections are shorter then."""
    board = [cell("mine", 3.0, [1.0, 5.0], "better"), cell("large_final", None, None, "reference", estimate=80.0)]
    found = many(60, ["reproduced", "refuted", "inconclusive"])
    report = whole(*found) | {"scoreboard": board}
    lines = [line.text for line in screen(report, [], 0, 120, "0.1.0")]
    place = next(number for number, line in enumerate(lines) if line.startswith("YOUR CRITERIA"))
    assert "+3.00 [+1.00, +5.00] better" in lines[place + 2] and len(lines) <= 50


def test_a_replaced_criterion_is_said_first():
    """Above every answer, with how many tests rest on it."""
    report = whole(result(replaced=["large_final"]), result("zhou2019.other[x]")) | {
        "replaced": {"large_final": "m.py:s"}
    }
    lines = [line.text for line in screen(report, [], 0, 120, "0.1.0")]
    assert lines[2] == "NOT AS PUBLISHED: large_final is m.py:s in this run (--as), which 1 of its tests rest on"
