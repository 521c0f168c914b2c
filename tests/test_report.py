"""Reports: the table, its marks, the files."""

import json

import pytest

from lottery.claims.results import in_order
from lottery.experiments.measurements import COLUMNS
from lottery.experiments.scales import SCALES
from lottery.report import files, remarks, results_table


def result(id="zhou2019.claim[lenet-300-100]", **changes):
    """Return a result as a run has it."""
    default = {
        "id": id, "paper": id.partition(".")[0], "title": "Zhou et al. 2019", "number": "12", "kind": "effect", "statement": "It holds.", "source": "section 3",
        "published": {"value": 86, "unit": "%", "provenance": "abstract"}, "network": "lenet-300-100", "trained_network": "lenet-96-48",
        "dataset": "digits", "data_fingerprint": "f00", "scale": "tiny", "analogue": True, "metric": "test accuracy", "unit": "%",
        "region": [80, None], "estimate": 85.55, "interval": [84.0, 87.1], "confidence": 0.9, "n": 3, "seeds": [0, 1, 2],
        "effects": [85.0, 85.5, 86.15], "p_inside": 0.001, "p_outside": 0.999, "parts": [], "verdict": "reproduced",
        "expected_verdict": "reproduced", "expected_because": "", "reason": "", "seconds": 1.25, "arms": {}, "levels": {}, "region_changed": "",
        "negative_control": False, "error": False, "doubt": "",
    }  # fmt: skip
    return default | changes


def whole(*results):
    return {
        "schema": 1,
        "scale": "tiny",
        "seconds": 2.0,
        "trained_steps": 1200,
        "environment": {"device": "cpu"},
        "claims": list(results),
        "criteria": [],
    }


def test_table_shows_claim_value_interval_and_verdict():
    """Claim, the paper's value, ours with interval and n, the verdict with its marks, seconds, under the paper's name."""
    text = results_table.table([result()], "simple")
    for part in (
        "Zhou et al. 2019",
        "claim[lenet-300-100]",
        "86 %",
        "85.5 [84.0, 87.1] %",
        " 3 ",
        "reproduced (analogue)",
        "1.2",
    ):
        assert part in text, part


def test_doubtful_numbers_are_marked():
    """What is known from memory or contradicted stands in the table with a question mark, with and without a number."""
    doubtful = {"doubt": "known from memory"}
    assert (results_table.published(result()), results_table.published(result(**doubtful))) == ("86 %", "86 % ?")
    assert results_table.published(result(published=None, **doubtful)) == "- ?"
    long = {"value": "a sentence that is longer than the column", "unit": "", "provenance": "printed"}
    assert results_table.published(result(published=long, **doubtful), width=10) == "a sentenc… ?"


@pytest.mark.parametrize(
    "changes, shown",
    [
        ({"analogue": False}, "reproduced"),
        ({"verdict": "refuted"}, "refuted (analogue) (!)"),
        ({"verdict": "refuted", "expected_verdict": "refuted", "analogue": False}, "refuted as expected"),
        ({"verdict": "refuted", "expected_verdict": "any", "analogue": False}, "refuted"),
        ({"verdict": "skipped"}, "skipped"),
        (
            {"verdict": "inconclusive", "region_changed": "2026-12-01: why"},
            "inconclusive (analogue) (question changed)",
        ),
    ],
)
def test_marks(changes, shown):
    """Analogue, other than expected, expected to be refuted, question changed."""
    assert results_table.verdict(result(**changes)) == shown


def test_order_does_not_depend_on_the_tests_order():
    """By paper, then number, then id."""
    results = [result(f"{paper}.{name}", number=number) for paper, name, number in
               [("zhou2019", "b", "12"), ("negative_controls", "a", "not 2"), ("zhou2019", "a", "2"), ("frankle_carbin2019", "z", "71")]]  # fmt: skip
    expected = ["frankle_carbin2019.z", "zhou2019.a", "zhou2019.b", "negative_controls.a"]
    assert [one["id"] for one in in_order(results)] == [one["id"] for one in in_order(results[::-1])] == expected


def test_remarks_explain_what_is_not_plain():
    """Skipped and inconclusive with their reason, and the parts of a conjunction that failed."""
    parts = [
        {"name": "first", "verdict": "reproduced", "estimate": 1.0},
        {"name": "second", "verdict": "refuted", "estimate": -2.0},
    ]
    lines = remarks.remarks(
        [
            result(verdict="skipped", reason="needs mnist"),
            result("zhou2019.order", verdict="refuted", parts=parts),
            result("zhou2019.fine"),
        ]
    )
    assert any("skipped: needs mnist" in line for line in lines) and any(
        "second refuted: -2.00" in line for line in lines
    )
    assert len(lines) == 2


def test_files(tmp_path):
    """results.json is strict JSON, results.md a table for a pull request, measurements.csv tidy."""
    rows = [("dense", 0, 0, "100.0000", 600, "test_accuracy", 95.5, "lenet-96-48", "digits", 600)]
    files.write(tmp_path / "deep" / "results", whole(result()), rows, ["a note"], SCALES["tiny"])
    folder = tmp_path / "deep" / "results"
    assert json.loads((folder / "results.json").read_text())["claims"][0]["estimate"] == 85.55
    assert (
        "| claim" in (folder / "results.md").read_text()
        and "1 claims: 1 reproduced" in (folder / "results.md").read_text()
        and "- a note" in (folder / "results.md").read_text()
    )
    head, first = (folder / "measurements.csv").read_text().splitlines()
    assert head.split(",") == list(COLUMNS) and first.startswith("dense,0,0,100.0000,600,test_accuracy,95.5")
    assert sorted(file.name for file in folder.iterdir()) == ["measurements.csv", "results.json", "results.md"]


def test_levels_stand_beside_searches():
    """A line for every network in which tickets were sought, once, in the unit of its task."""
    circle = {"planted-circle-5": {"ticket": 98.12, "constant": 45.0, "affine": 44.96}}
    relu = {"planted-relu-5": {"ticket": 1.004e-4, "constant": 0.1042, "affine": 0.02083}}
    lines = remarks.levels([result(), result(levels=relu), result(levels=circle | relu)])
    assert lines == [
        "planted-circle-5: test accuracy of the planted ticket 98.1 %, of the best constant 45.0 %, affine 45.0 %",
        "planted-relu-5: mean squared error of the planted ticket 0.0001, of the best constant 0.104, affine 0.0208",
    ]


def test_claims_of_a_group_stand_together():
    """S1, S2, S10 before T1 and after M2; numbers without letters by their value."""
    shuffled = [result(id=f"a.{number}[x]", number=number) for number in ("T1", "S10", "S2", "M2", "S1")]
    assert [one["number"] for one in in_order(shuffled)] == ["M2", "S1", "S2", "S10", "T1"]
    assert [one["number"] for one in in_order([result(id=f"a.{n}[x]", number=n) for n in ("10", "9", "25d")])] == [
        "9",
        "10",
        "25d",
    ]
