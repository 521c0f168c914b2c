"""What is marked (!): every text that has the mark says what was expected instead, and whether that counts."""

import json

import pytest

from lottery.claims.baselines import Baseline, rows_of
from lottery.claims.comparison import comparison
from lottery.claims.uncounted import MOVED_AWAY, UNDECIDED, expected_instead, moves_of, remark
from lottery.cli.main import main
from lottery.report.answer import refuted
from lottery.report.screen import screen
from tests.result_helpers import result, whole

ODD = {"verdict": "refuted", "estimate": 70.0, "interval": [69.0, 71.0]}
KNOWN = {"verdict": "reproduced", "expected_verdict": "refuted", "expected_because": "we measured it"}


@pytest.mark.parametrize("told", [["--unexpected"], ["--refuted", "--reproduced"], ["-k", "claim"], ["--table"]])
@pytest.mark.parametrize("changes, verdict", [(ODD, "reproduced"), (KNOWN, "refuted")])
@pytest.mark.parametrize("counts", [True, False])
def test_it_is_explained_where_it_is_shown(capsys, tmp_path, told, changes, verdict, counts):
    """By every option of `show`, and by `explain`; the remarks on a screen name the mark, too."""
    one = result(**changes, counts=counts)
    (tmp_path / "results.json").write_text(json.dumps(whole(one)))
    means = f"expected {verdict}, " + ("which fails the run" if counts else f"which is not counted: {UNDECIDED}")
    assert main(["show", str(tmp_path), *told]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.endswith(f"(!) {means}" if "--table" not in told else f"(!) Z12 claim[lenet-300-100]: {means}")
    main(["explain", "Z12", str(tmp_path)])
    shown = " ".join(capsys.readouterr().out.split())
    assert f"(!) {means}" in shown and shown.count("(!)") == 2
    assert ("expected refuted, we measured it (!)" in shown) == bool(changes is KNOWN)
    assert remark(one, []).startswith("(!) zhou2019.claim[lenet-300-100] is not as expected")


def test_what_is_as_expected_has_no_mark(capsys, tmp_path):
    """Nor anything to explain."""
    (tmp_path / "results.json").write_text(json.dumps(whole(result())))
    for words in (
        ["show", str(tmp_path), "--table"],
        ["show", str(tmp_path), "-k", "z"],
        ["explain", "Z12", str(tmp_path)],
    ):
        main(words)
        said = capsys.readouterr().out
        assert said and "(!)" not in said


def test_what_moved_away_fails_the_run():
    """Whether or not the verdict counts by itself."""
    then, now = result(effects=[85.0, 85.5, 86.15]), result(**ODD, effects=[70.0, 70.5, 71.15], counts=False)
    report = whole(now)
    report["baseline"] = comparison(report, Baseline({then["id"]: rows_of(then)}, False, "before"))
    told = f"expected reproduced; it {MOVED_AWAY}, through which the run fails"
    assert expected_instead(now, moves_of(report)) == told


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_numbers_of_a_heading_add_up(width):
    """At every width the whole of it is there."""
    found = [result(f"zhou2019.a{n}[x]", **ODD, counts=False) for n in range(2)]
    for n, basis in enumerate(["baseline", "contradiction", "open"]):
        expected = {"expected_verdict": "any" if basis == "open" else "refuted", "expected_basis": basis}
        found += [result(f"zhou2019.b{n}{m}[x]", verdict="refuted", **expected) for m in range(11)]
    control = result("zhou2019.c[x]", verdict="refuted", negative_control=True, expected_verdict="refuted",
                     expected_basis="control")  # fmt: skip
    lines = [line.text for line in screen(whole(*found, control), width)]
    place = next(number for number, line in enumerate(lines) if line.startswith("REFUTED"))
    text = " ".join(" ".join(lines[place : place + 3]).split())
    numbers = (
        f"REFUTED 35 besides the controls: 11 known before, 11 contradicted, 11 left open, 2 not counted: {UNDECIDED}"
    )
    assert text.startswith(numbers)


@pytest.mark.parametrize("controls", [0, 1])
def test_controls_are_named_where_there_are_any(controls):
    """A selection may have none."""
    control = result("zhou2019.c[x]", verdict="refuted", negative_control=True, expected_verdict="refuted")
    _, told = refuted([result(**ODD, counts=False), *[control] * controls])
    assert told.startswith("1 besides the controls: " if controls else "1: ")
