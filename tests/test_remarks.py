"""Remarks: what stands below the results table."""

from lottery.report import remarks
from tests.result_helpers import result


def test_remarks_explain_what_is_not_plain():
    """Skipped and inconclusive with their reason, and the parts of a conjunction that failed."""
    parts = [
        {"name": "first", "verdict": "reproduced", "estimate": 1.0, "aside": ""},
        {"name": "second", "verdict": "refuted", "estimate": -2.0, "aside": ""},
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


def test_what_stands_beside_parts_says_why_it_is_not_sure():
    """Numbers of the larger kind of seeds, with the reason that they are not those of all."""
    sure = {"name": "gain", "estimate": 3.04, "interval": [2.96, 3.12], "reason": ""}
    open_ = sure | {"reason": "5 of 12 seeds have a network that failed, and they and the others do not agree"}
    for beside, end in ((sure, "[+2.96, +3.12]"), (open_, f"[+2.96, +3.12] ({open_['reason']})")):
        (line,) = remarks.remarks([result(unit="pp", prediction=None, beside=[beside])])
        assert line == f"claim[lenet-300-100]: reproduced: gain +3.04 {end}"


def test_levels_stand_beside_searches():
    """A line for every network in which tickets were sought, once, in the unit of its task."""
    circle = {"planted-circle-5": {"ticket": 98.12, "constant": 45.0, "affine": 44.96}}
    relu = {"planted-relu-5": {"ticket": 1.004e-4, "constant": 0.1042, "affine": 0.02083}}
    lines = remarks.levels([result(), result(levels=relu), result(levels=circle | relu)])
    assert lines == [
        "planted-circle-5: test accuracy of the planted ticket 98.1 %, of the best constant 45.0 %, affine 45.0 %",
        "planted-relu-5: mean squared error of the planted ticket 0.0001, of the best constant 0.104, affine 0.0208",
    ]


def test_remarks_on_what_is_reproduced_all_the_same():
    """Worse within the margin, with numbers; arms that failed; runs that were often too short; one more seed."""
    arm = {"mean": 1.0, "values": [1.0] * 20, "failed": [], "censored": []}
    arms = {"random, round 16": arm | {"failed": [3], "censored": list(range(17))}, "dense": arm | {"censored": [1, 2]}}
    worse = {"unit": "pp", "estimate": -0.55, "interval": [-0.83, -0.26], "prediction": [-1.2, 0.1], "aside": "worse"}
    assert remarks.remarks([result(arms=arms, **worse)]) == [
        "claim[lenet-300-100]: reproduced: though worse: -0.55 [-0.83, -0.26]; one more seed [-1.20, +0.10]. "
        "Note, whatever the verdict: failed to learn: random, round 16 (1 of 20 seeds); "
        "run too short for its early stop: random, round 16 (17 of 20 seeds)"
    ]
    calm = result(arms=arms, prediction=None)  # what is noted of its arms is not why it is reproduced
    assert remarks.remarks([calm])[0].startswith("claim[lenet-300-100]: reproduced. Note, whatever the verdict: failed")
