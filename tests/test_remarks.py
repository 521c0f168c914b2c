"""Remarks: what stands below the results table."""

from lottery.report import remarks
from tests.result_helpers import result


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


def test_levels_stand_beside_searches():
    """A line for every network in which tickets were sought, once, in the unit of its task."""
    circle = {"planted-circle-5": {"ticket": 98.12, "constant": 45.0, "affine": 44.96}}
    relu = {"planted-relu-5": {"ticket": 1.004e-4, "constant": 0.1042, "affine": 0.02083}}
    lines = remarks.levels([result(), result(levels=relu), result(levels=circle | relu)])
    assert lines == [
        "planted-circle-5: test accuracy of the planted ticket 98.1 %, of the best constant 45.0 %, affine 45.0 %",
        "planted-relu-5: mean squared error of the planted ticket 0.0001, of the best constant 0.104, affine 0.0208",
    ]
