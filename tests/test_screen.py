"""The answer on one screen: it fits, it counts every claim once, and says in words what colours say."""

import io
import json
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery.claims.baselines import Baseline, rows_of
from lottery.claims.comparison import comparison
from lottery.claims.results import SCHEMA
from lottery.claims.statistics import ALPHA, INCONCLUSIVE, REFUTED, REPRODUCED, Decision, decide_all
from lottery.cli.main import main
from lottery.core.text import in_encoding
from lottery.report.annotations import annotations
from lottery.report.answer import refuted
from lottery.report.explanation import explanation
from lottery.report.interval_bar import interval_bar
from lottery.report.page_answer import page_answer
from lottery.report.remarks import remarks
from lottery.report.results_table import summary, table
from lottery.report.screen import not_enough, screen, why
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
    """However many claims there are: 46 lines, none longer than the terminal, every claim in the papers' table.

    With a line or two that say where all of it is, pytest's last line and the shell's prompt, that is 50 rows.
    """
    found = many(count, verdicts)
    lines = [line.text for line in screen(whole(*found) | {"remarks": ["a note"]}, width)]
    assert len(lines) <= 46 and max(map(len, lines)) <= max(80, min(200, width))
    rows = [line for line in lines if line[:3] in {f"{letter}  " for letter in PAPERS.values()}]
    cells = [cell for row in rows for cell in row.split()[-7:-3]]  # before "6 of 34"
    assert sum(int(cell) for cell in cells if cell != "-") == count


@pytest.mark.parametrize(
    "region, side, told",
    [
        ([None, 0], "lower", "better"),  # earlier than the dense network
        ([None, 0], "higher", "worse"),
        ([0, None], "higher", "better"),
        ([0, None], "lower", "worse"),
        ([None, 0], "", "neither better nor worse for certain"),
        ([-1, 1], "higher", "reproduced"),  # of what is to be equal, neither side is better
    ],
)
def test_a_network_of_a_users_own_is_better_on_the_side_that_its_question_asks_for(region, side, told):
    """A question whose region lies below a number asks for less; no side is read off the interval."""
    about = {"unit": "pp", "region": region, "interval": [0.1, 0.4], "estimate": 0.2, "side": side}
    found = result("own_network.q[mine]", own="network", **about)
    lines = [line.text for line in screen(whole(found), 100)]
    assert lines[lines.index("  q") + 1].endswith(f"  {told}")


def test_a_network_of_a_users_own_says_why_its_question_is_open():
    """Seeds that failed and others do not agree: neither is called better by the numbers of the larger group."""
    about = {"region": [0, None], "interval": [2.96, 3.12], "estimate": 3.04, "verdict": "inconclusive"}
    found = result("own_network.q[mine]", own="network", unit="pp", **about, reason="5 of 12 seeds do not agree")
    lines = [line.text for line in screen(whole(found), 120)]
    assert lines[lines.index("  q") + 1].endswith("+3.04 [+2.96, +3.12] pp  inconclusive: 5 of 12 seeds do not agree")


def test_a_network_of_a_users_own_says_which_part_leaves_a_question_open():
    """A question of several parts has no estimate of its own."""
    part = {
        **result(region=[-1, None], verdict="inconclusive", estimate=-0.5, interval=[-1.5, 0.5]),
        "name": "not_worse",
    }
    found = result(
        "own_network.q[mine]", own="network", estimate=None, verdict="inconclusive", parts=[part], region=None
    )
    text = "\n".join(line.text for line in screen(whole(found), 120))
    assert "mine            inconclusive: not worse: -0.5 [-1.5, 0.5]" in text


def test_a_long_device_leaves_room_for_what_the_run_took():
    """Its name is cut, and the precision, the time and the exit status are not."""
    run = whole(result("zhou2019.c[x]"))
    where = {**run["environment"], "device": "cpu (Intel(R) Xeon(R) Processor @ 2.90GHz, 2 cores)"}
    heading = screen({**run, "environment": where, "seconds": 348}, 80)[0].text
    assert len(heading) == 80 and heading.endswith("… · float32 · 5.8 min  exit status 0")


@pytest.mark.parametrize("width", [80, 100, 200])
def test_remarks_take_rows_from_what_is_shown_of_the_rest(width):
    """A whole run, compared with a baseline and with a long remark, still has 46 lines."""
    found = many(300, ["reproduced", "refuted", "inconclusive", "skipped"])
    report = whole(*found)
    report["baseline"] = comparison(report, Baseline({one["id"]: rows_of(one) for one in found}, True, "x" * 30))
    for notes in ([], ["a remark of some length, " * 12], ["one"] * 5, ["one"] * 9):
        lines = [line.text for line in screen(report | {"remarks": notes}, width)]
        assert len(lines) <= 46 and sum(line.startswith(("      and ", "      which ")) for line in lines) == 2


def test_what_is_other_than_expected_comes_first():
    """In words, with both verdicts, the numbers, and what would agree; an error with its message."""
    odd = result(verdict="refuted", estimate=70.0, interval=[69.0, 71.0])
    broken = result("zhou2019.other[x]", verdict="error", reason="criterion 'c' raised it")
    report = whole(odd, broken, result("zhou2019.c[x]")) | {"exit_status": 1}
    text = "\n".join(line.text for line in screen(report, 120))
    assert (
        "OTHER THAN EXPECTED  2 of 3 tests answered, 1 ended in an error, 2 other than expected" in text
        and "exit status 1" in text
    )
    assert "refuted, not reproduced: 70.0 [69.0, 71.0] %, agrees from 80.0" in text
    assert (
        "criterion 'c' raised it" in text and text.index("criterion 'c'") < text.index("PAPER")
        if "PAPER" in text
        else True
    )


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("count, broken", [(1, 1), (3, 3), (3, 1), (6, 2), (11, 1), (12, 12), (13, 1), (20, 3)])
def test_errors_are_told_in_full_where_there_are_rows_for_them(count, broken, width):
    """Fourteen rows at most; what is cut off, or left out, is in full elsewhere, and a line says where."""
    reason = " ".join(f"word{number}" for number in range(40))
    errors = [result(f"zhou2019.a{n}[x]", verdict="error", reason=reason, number=str(n)) for n in range(broken)]
    others = [result(f"zhou2019.b{n}[x]", verdict="refuted", reason="few", number="99") for n in range(count - broken)]
    lines = [line.text for line in screen(whole(*errors, *others), width)]
    section = [*lines[lines.index(f"OTHER THAN EXPECTED  {count}") :], ""]
    section = section[: section.index("")]
    assert len(section) <= 14 and max(map(len, section)) <= width
    hidden = broken - " ".join(" ".join(section).split()).count("word38 word39")
    assert bool(hidden or count > 12) == ("lottery show --unexpected" in section[-1])
    assert hidden == 0 or count > 2


@pytest.mark.parametrize("status, state", [(0, "AS EXPECTED"), (1, "FAILED, see below"), (2, "INTERRUPTED")])
def test_the_state_is_the_exit_status(status, state):
    """A drift fails a run whose verdicts are all as expected."""
    lines = [line.text for line in screen(whole(result()) | {"exit_status": status}, 100)]
    assert lines[2].startswith(f"{state}  1 of 1") and lines[0].endswith(f"exit status {status}")


def test_every_terminal_can_show_it():
    """In ASCII no character is lost to a question mark."""
    found = many(12, ["reproduced", "refuted", "inconclusive"])
    for line in screen(whole(*found), 100):
        assert "?" not in in_encoding(line.text, "ascii")


@pytest.mark.parametrize("command", [["show"], ["show", "--table"]])
def test_in_ascii_columns_stand_where_they_stand(tmp_path, monkeypatch, command):
    """What is cut has its ellipsis within its column, of three signs there."""
    printed = {"value": "a value of a paper in many words", "unit": "", "provenance": "text"}
    headline = "a headline that is much too long for the narrow room that it has, and for more"
    found = [result(f"zhou2019.{'long' * n}[x]", headline=headline[: 8 * n], published=printed) for n in (1, 9, 20)]
    (tmp_path / "results.json").write_text(json.dumps(whole(*found)))
    shown = []
    for encoding in ("utf-8", "ascii"):
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
        main([*command, str(tmp_path)])
        shown.append(sys.stdout.buffer.getvalue().decode(encoding).splitlines())
    wide, plain = shown
    assert sum("..." in line for line in plain) >= 2 and list(map(len, wide)) == list(map(len, plain))
    assert all(line.endswith(in_encoding(other[-12:], "ascii")) for line, other in zip(plain, wide))


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
        "--scale tiny -k 'test_zhou_2019.py and test_claim[lenet-300-100]'",
        "lenet-96-48 on digits, 600 iterations, adam at learning rate 0.0012, 3 seeds",
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
        ("{", "is not a results.json of this suite (JSONDecodeError"),
        ("[]", "name another run's folder, or run again, which trains nothing that is stored"),
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


def test_a_file_that_is_not_there_or_not_readable_is_one_message(capsys, tmp_path):
    """With its path, what is wrong, and what to do."""
    assert main(["show", str(tmp_path / "none.json")]) == 2
    assert f"there is no {tmp_path}/none.json: lottery run makes one" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert main(["explain", "Z12", str(tmp_path / "file" / "results.json")]) == 2
    assert "file/results.json cannot be read (Not a directory): make it readable, or name" in capsys.readouterr().err


def test_an_estimate_is_shown_once(capsys, tmp_path):
    """Beside what agrees where a claim is not reproduced; parts are counted in one line and measured in the other."""
    part = result()["parts"] or result(verdict="refuted", estimate=70.0, interval=[69.0, 71.0])
    found = [
        result("zhou2019.mean[x]", verdict="refuted", estimate=70.0, interval=[69.0, 71.0]),
        result("zhou2019.share[x]", verdict="refuted", estimate=0.1, interval=[0.0, 0.2], kind="proportion",
               unit="of draws", region=[0.5, 1.0]),
        result("zhou2019.both[x]", verdict="refuted", estimate=None, parts=[part | {"name": "one"}]),
        result("zhou2019.good[x]"),
    ]  # fmt: skip
    (tmp_path / "results.json").write_text(json.dumps(whole(*found)))
    assert main(["show", str(tmp_path), "-k", "["]) == 0
    said = capsys.readouterr().out
    assert [said.count(told) for told in ("0.10 [0.00, 0.20]", "0 of 1 parts", "85.5 [84.0, 87.1]")] == [1, 1, 1]
    assert said.count("70.0 [69.0, 71.0] %") == 2  # of the mean, and of the part


def test_annotations_are_one_line_each():
    """Of what fails and of what deviates by chance, at the test's file and line, with everything escaped."""
    odd = result("zhou2019.odd[a,b]", verdict="error", reason="100 % wrong:\nvery")
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
        shown = [line.text for line in screen(report, 80)]
        return shown[shown.index("NOT ASKED  3") + 1 :]

    def test_the_heading_is_true(self):
        """What did not fit the budget is asked at this scale, so the heading names the scale only without it."""
        shown = [line.text for line in screen(whole(*self.RESULTS[1:]), 80)]
        assert "NOT ASKED AT THIS SCALE  2" in shown

    def test_costs_that_are_known(self):
        """Of the next scale the command that runs it, of the budget the time that the rest takes."""
        assert self.lines(budget=250.0, reduced=7200.0) == [
            "     1 are asked at --scale reduced the same command with it: 2.0 h in all",
            "     1 do not fit the budget        run again: 4.2 min more here",
            "     1 are asked at no scale        lottery show --no-scale",
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
    lines = [line.text for line in screen(report, 120)]
    place = next(number for number, line in enumerate(lines) if line.startswith("YOUR CRITERIA"))
    assert "+3.00 [+1.00, +5.00] better" in lines[place + 2] and len(lines) <= 50


def test_a_scoreboard_that_failed_networks_cloud_fits():
    """Twelve questions, the line that says why some are open, main claims and a remark, on the narrowest screen."""
    board = [
        cell(name, 3.0, [1.0, 5.0], "open", clouded=True, question=f"own_criterion.question_{number}")
        for number in range(12)
        for name in ("mine", "random")
    ]
    results = [*many(60, ["reproduced", "refuted", "inconclusive"]), *(result(headline="It holds") for _ in range(9))]
    lines = [line.text for line in screen(whole(*results) | {"scoreboard": board, "remarks": ["a remark"]}, 80)]
    assert "open!: seeds with a failed network do not agree with the others, or say nothing" in lines
    assert len(lines) <= 46 and sum(line.startswith("F") and "headline" in line for line in lines) == 6


@pytest.mark.parametrize("width", [80, 96, 97, 120])
def test_the_scoreboard_promises_intervals_where_it_has_them(width):
    """Elsewhere it says from which width on."""
    own = [cell("mine", 3.0, [1.0, 5.0], "better"), cell("large_final", None, None, "reference", estimate=80.0)]
    board = own + [cell(name, -3.0, (-4.0, -2.0), "worse") for name in ("magnitude_increase", "random")]
    lines = [line.text for line in screen(whole(*many(3, ["refuted"])) | {"scoreboard": board}, width)]
    place = next(number for number, line in enumerate(lines) if line.startswith("YOUR CRITERIA"))
    assert ("[+1.00, +5.00]" in lines[place + 2]) == (width >= 97)
    assert lines[place].endswith("90 % intervals" if width >= 97 else "; intervals from 97 columns")


def test_a_replaced_criterion_is_said_first():
    """Above every answer, with how many tests rest on it."""
    report = whole(result(replaced=["large_final"]), result("zhou2019.other[x]")) | {
        "replaced": {"large_final": "m.py:s"}
    }
    lines = [line.text for line in screen(report, 120)]
    assert lines[2] == "NOT AS PUBLISHED: large_final is m.py:s in this run (--as), which 1 of its tests rest on"


def part(name, verdict, p_outside, **changes):
    """Return a part of a conjunction, on its own outside of its region or not."""
    fields = ("kind", "region", "estimate", "interval", "p_inside", "reason", "effects", "aside")
    return {field: result()[field] for field in fields} | {
        "name": name, "verdict": verdict, "p_outside": p_outside, "p_inside": 0.99 if p_outside < 0.5 else 0.001
    } | changes  # fmt: skip


class TestPartsOfAConjunction:
    """Why a part that is refuted on its own does not refute the claim."""

    def parts(self, *parts, **changes):
        """Return an inconclusive conjunction of these parts."""
        return result(
            kind="conjunction", verdict="inconclusive", parts=list(parts), estimate=None, region=None, **changes
        )

    def test_both_levels_are_told(self):
        """The part's p-value, and the level divided by the parts that are not controls, as `decide_all` does it."""
        parts = [part(name, "reproduced", 1.0) for name in ("even_moves", "high_moves", "control_idle")]
        told = why(self.parts(part("low_moves", "refuted", 0.0453), *parts))
        assert told == "low moves is outside, p 0.045; one of 3 parts needs p <= 0.017 to refute"

    @given(st.floats(0.0, ALPHA), st.integers(2, 12))
    def test_it_is_said_exactly_where_the_rule_says_so(self, p, count):
        """Of any p-value and any number of parts the numbers shown are on the side on which the decision is."""
        others = {
            f"other_{number}": Decision(REPRODUCED, n=5, p_inside=0.01, p_outside=1.0) for number in range(count - 1)
        }
        decision = decide_all({"low": Decision(REFUTED, n=5, p_inside=0.99, p_outside=p), **others})
        if decision.verdict == INCONCLUSIVE:
            shown = [part(name, "reproduced", 1.0) for name in others]
            told = not_enough(self.parts(part("low", "refuted", p), *shown))
            own, needed = map(float, re.findall(r"p (?:<= )?([\d.e-]+)", told))
            assert own > needed

    def test_explain_adds_it_to_what_is_open(self):
        """Where another part is inconclusive, both are named."""
        open_one = part("anywhere", "inconclusive", 0.3)
        one = self.parts(open_one, part("within", "refuted", 0.04))
        text = " ".join(explanation(one, whole(one), 200).split())
        assert "because anywhere: 85.5 [84.0, 87.1] %, agrees from 80.0; within is outside, p 0.04;" in text
        assert "one of 2 parts needs p <= 0.025" in text

    def test_explain_shows_what_stands_beside(self):
        """With its number, its interval, its unit and its seeds; or why it has no number."""
        beside = {"confidence": 0.9, "n": 3, "reason": "", "effects": [0.1, 0.2, 0.3]}
        by_chance = beside | {"name": "by_chance", "estimate": 0.2, "interval": [0.1, 0.3]}
        unknown = beside | {"name": "other", "estimate": None, "interval": None, "reason": "no number from seed 1"}
        one = self.parts(part("anywhere", "inconclusive", 0.3), beside=[by_chance, unknown], unit="share")
        lines = explanation(one, whole(one), 120).splitlines()
        place = lines.index("beside these, and not judged")
        assert lines[place + 1 : place + 3] == ["by chance: 0.20 [0.10, 0.30] share", "  seeds 0.10 0.20 0.30"]
        assert lines[place + 3] == "other: no number from seed 1"
        assert "beside these" not in explanation(one | {"beside": []}, whole(one), 120)

    def test_a_control_that_is_idle_is_the_reason(self):
        """No p-value would be enough then."""
        assert not not_enough(self.parts(part("low", "refuted", 0.01), part("other", "reproduced", 1.0), reason="idle"))


@pytest.mark.parametrize("kind, told", [("proportion", "0.70 [0.40, 0.90] of seeds"), ("effect", "0.70 [0.40, 0.90]")])
def test_only_shares_are_of_seeds(kind, told):
    """A mean without a unit has none, and no blank where it would be."""
    one = result(kind=kind, unit="", verdict="inconclusive", estimate=0.7, interval=[0.4, 0.9], region=[0.0, 0.5])
    assert why(one) == f"{told}, agrees in [0.00, 0.50]"
    text = explanation(one | {"region": [0.0, None]}, whole(one), 100)
    assert "from 0.00: The paper" in text and f"estimate: {told}, inconclusive" in text
    assert ("a seed counts in a share" in text) == (kind == "proportion")


def test_an_explanation_says_what_is_measured_and_which_file_is_meant():
    """No file is on screen: "this file" is the claim's own."""
    one = result(region_because="The margin at the head of this file.", doubt="See the head of this file.")
    text = explanation(one, whole(one), 150)
    assert "measured    test accuracy\n" in text and "this file" not in text
    assert "from 80.0 %: The margin at the head of expected/zhou_2019.toml." in text


def test_an_explanation_says_at_which_sparsities_a_scale_asks():
    """The words of a claim are of all scales, and may name more than this one asks."""
    arms = (
        "large_init, 50% kept: weak",
        "random, 50% kept: weak",
        "random, 0.5% kept",
        "snip, as many kept as planted",
    )
    of_arms = {f"planted-x, {arm}": {"values": [1.0], "failed": [], "censored": []} for arm in arms}
    one = result(metric="at all sparsities", arms=of_arms)
    told = "at all sparsities; of sparsities, the scale tiny asks 50% kept, 0.5% kept, as many kept as planted\n"
    assert told in explanation(one, whole(one), 150) and "sparsities" not in explanation(result(), whole(result()), 150)


def test_parts_are_named_in_words():
    """By the screen and by what explains a claim, which keep the decimal point of a size or a rate."""
    one = result(kind="conjunction", verdict="refuted", estimate=None, parts=[part("at_0_4", "refuted", 0.001)])
    assert why(one).startswith("at 0.4: ") and "at 0.4: " in explanation(one, whole(one), 100)
    assert "at 0.4 refuted: " in remarks([one])[0]


def test_what_was_not_asked_is_not_replayed():
    """There is nothing to check it against."""
    for verdict in ("skipped", "reproduced"):
        one = result(verdict=verdict, reason="needs mnist" if verdict == "skipped" else "")
        assert ("lottery replay" in explanation(one, whole(one), 100)) == (verdict != "skipped")


class TestNames:
    """What finds a claim, and in which order several are told."""

    @pytest.fixture
    def told(self, capsys, tmp_path):
        """A function that returns the exit status of `lottery explain` and what it prints."""
        found = [
            result("zhou2019.signs[conv-4]", verdict="skipped", reason="too large"),
            result("zhou2019.signs[conv-2]", verdict="inconclusive"),
            result("zhou2019.signs[lenet-300-100]", headline="the sign is enough"),
            result("fischer_burkholz2021.all_fail[x]", letter="B", number="S4", title="Fischer & Burkholz 2021"),
        ]
        (tmp_path / "results.json").write_text(json.dumps(whole(*found)))

        def explain(name):
            status = main(["explain", name, str(tmp_path)])
            said = capsys.readouterr()
            return status, said.out + said.err

        return explain

    @pytest.mark.parametrize("name", ["S4", "bs4", "B S4", "All_Fail", "Fischer S4", "all_fail[X]"])
    def test_neither_capitals_nor_blanks_matter(self, told, name):
        """Nor whether a group's letter stands behind the paper's."""
        assert told(name)[0] == 0 and told(name)[1].startswith("BS4  fischer")

    @pytest.mark.parametrize("name", ["z12", "Z 12", "Zhou 12", "signs"])
    def test_the_main_claim_is_first(self, told, name):
        """Other answers follow; what was not asked is a line at the end."""
        text = told(name)[1]
        heads = [line for line in text.splitlines() if line.startswith("Z12")]
        assert [re.search(r"\[(.*)\]", head)[1] for head in heads] == ["lenet-300-100", "conv-2", "conv-4"]
        assert text.rstrip().splitlines()[-1] == "Z12   signs[conv-4]  skipped: too large"

    @pytest.mark.parametrize("name", ["", "  ", "sings", "Z99"])
    def test_an_unknown_name_is_one_message(self, told, name):
        """With what lists all names, and no suggestion twice."""
        status, said = told(name)
        assert status == 2 and said.startswith("ERROR: ") and "`lottery list`" in said
        assert name != "sings" or (said.count("did you mean signs") == 1 and "signs, signs?" not in said)

    def test_the_table_has_the_codes(self):
        """By which `explain` finds a claim."""
        found = [result(), result("fischer_burkholz2021.all_fail[x]", letter="B", number="S4")]
        for format, name in (("simple", "BS4   all_fail[x]"), ("github", "| BS4 all_fail[x]")):
            assert name in table(found, format)


def test_nothing_unexpected_is_good_news(capsys, tmp_path):
    """It is said, and the exit status is 0."""
    (tmp_path / "results.json").write_text(json.dumps(whole(result())))
    assert main(["show", str(tmp_path), "--unexpected"]) == 0
    assert capsys.readouterr().out == "none of 1 tests came out other than expected\n"


@pytest.mark.parametrize("basis", ["", "control", "contradiction", "baseline", "open"])
def test_refuted_is_a_sum(basis):
    """Every refutation that is not the control's is in the line under one reason, whatever is expected."""
    expected = {"": "reproduced", "open": "any"}.get(basis, "refuted")
    one = result(verdict="refuted", expected_verdict=expected, expected_basis=basis, counts=False)
    found, told = refuted([one, one])
    assert sum(map(int, re.findall(r"[:,] (\d+)", told))) == len(found) == 2 or basis == "control"


@pytest.mark.parametrize("count, told", [(1, "1 answer is an analogue ("), (2, "2 answers are analogues (")])
def test_one_is_not_several(count, told):
    """As English has it."""
    text = "\n".join(line.text for line in screen(whole(*[result()] * count), 120))
    assert told in text


def test_an_error_is_no_answer():
    """It is neither inconclusive nor an analogue; its number is not answered; it has a column where there is any."""
    broken = result(
        "zhou2019.b[x]", verdict="error", number="13", reason="criterion 'c' raised it", headline="It works"
    )
    report = whole(result(), broken)
    lines = [line.text for line in screen(report, 80)]
    assert lines[2].startswith("OTHER THAN EXPECTED  1 of 2 tests answered, 1 ended in an error, 1 other than")
    heads, row = next((head, row) for head, row in zip(lines, lines[1:]) if head.endswith("of paper"))
    assert heads.split()[:4] == ["reproduced", "refuted", "inconclusive", "error"]
    assert row.split()[-8:-3] == ["1", "-", "-", "1", "-"] and row.endswith("1 of 34")
    assert any(line.startswith("Z13") and line.endswith(" error: criterion 'c' raised it") for line in lines)
    assert not any(line.startswith(("INCONCLUSIVE", "Z13   It works")) for line in lines)
    assert "error" not in "".join(line.text for line in screen(whole(result()), 80))
    text = page_answer(report, [result(), broken], [])
    assert ">error</th>" in text and ">error: criterion" in text and "1 ended in an error" in text
    assert "1 reproduced, 1 of them analogues; 1 ended in an error" in summary(report)
    assert "| error " in table([broken], "github") and "(analogue)" not in table([broken], "github")
