"""Changes: which criterion's code is another, which claims depend on it, and what moved though nothing changed."""

from math import nextafter

import pytest

from lottery.claims.baselines import Baseline, rows_of
from lottery.claims.changes import changed, edited
from lottery.claims.comparison import comparison
from lottery.report.difference import difference
from tests.result_helpers import result, whole

LARGE, SIGN = "criterion large_final", "criterion large_final_same_sign"
CODE = {
    LARGE: {LARGE: "0a"},
    SIGN: {SIGN: "0b", "masks.criteria.same_sign": "0c"},
    "training": {"training": "0d", "training.step": "0e"},
}
INPUTS = {"engine": "01", "data": "02", "arms": "03", "statement": "04"}
SEEDS = [85.0, 85.5, 86.15]


def claim(name, *code, by=0.0, **inputs):
    effects = [one + by + by * number / 50 for number, one in enumerate(SEEDS)]
    id = f"zhou2019.{name}[x]"
    return result(id, code=list(code), inputs=INPUTS | inputs, effects=effects)


def test_an_edit_is_found_in_what_rests_on_it():
    """The definition that was edited, and not what uses it."""
    after = CODE | {SIGN: {SIGN: "0b", "masks.criteria.same_sign": "ff"}}
    assert edited(CODE, after) == {LARGE: [], SIGN: ["masks.criteria.same_sign"], "training": []}


@pytest.mark.parametrize(
    "of, found",
    [
        ({"training": "new", "training.step": "0e", "training.helper": "new"}, ["training"]),  # one edit, that calls it
        ({"training": "0d"}, ["training.step"]),
        ({"training": "0d", "training.step": "0e", "training.added": "11"}, ["training.added"]),
    ],
)
def test_what_is_new_or_gone_counts_where_nothing_else_changed(of, found):
    """An edit that calls a new function is one change."""
    assert edited(CODE, CODE | {"training": of})["training"] == found


def test_kinds_are_named_as_people_call_them():
    """Arms bring other code along, which is then no news; a result that says nothing is not known."""
    before, edits = claim("a", LARGE), {LARGE: [], SIGN: []}
    assert changed(before, claim("a", LARGE), edits) == []
    assert changed(before, claim("a", LARGE, data="ff"), edits) == ["the data"]
    assert changed(before, claim("a", SIGN, arms="ff"), edits) == ["what is trained"]
    assert changed(before, claim("a", SIGN), edits) == [LARGE, SIGN]
    assert changed(before, claim("a") | {"inputs": {}}, edits) is None


def night(*claims, code=CODE):
    return whole(*claims) | {"environment": {"device": "cpu", "precision": "float32", "torch": "2"}, "code": code}


def told(before, after, width=80):
    baseline = Baseline({one["id"]: rows_of(one) for one in before["claims"]}, False, "before", "tiny", before)
    lines = difference(comparison(after, baseline), {one["id"]: one for one in after["claims"]}, width)
    assert all(len(line) <= width for line in lines)
    return lines


def test_two_nights_of_which_the_second_has_a_broken_criterion():
    """It is named, and nothing else is; what does not depend on it is the same bit for bit."""
    first = night(claim("large", LARGE, "training"), claim("both", LARGE, SIGN), claim("signs", SIGN, "training"))
    broken = CODE | {LARGE: {LARGE: "ff"}}
    second = night(
        claim("large", LARGE, "training", by=-20), claim("both", LARGE, SIGN, by=-3), claim("signs", SIGN, "training"),
        code=broken,
    )  # fmt: skip
    lines = told(first, second)
    assert [" ".join(lines[:2]), lines[2]] == [
        "against before: all 3 verdicts the same; of 3 claims 1 the same, bit for bit; 2   moved, 2 by more "
        "than chance",
        "changed: criterion large_final: 2 depend on it, 2 of them moved",
    ]
    assert sum("changed" in line for line in lines) == 1 and SIGN not in "\n".join(lines)


def test_other_numbers_from_the_same_inputs_are_named_as_that():
    """On one machine that is a fault, even of one bit."""
    before, after = claim("a", LARGE), claim("a", LARGE) | {"effects": [85.0, 85.5, nextafter(86.15, 90)]}
    text = " ".join(told(night(before, claim("b")), night(after, claim("b"))))
    assert "1 the same, bit for bit; 1 moved, none by more than chance" in " ".join(text.split())
    assert "same inputs, other numbers: 1 of 2" in text


def test_what_changed_stands_below_each_row_where_that_differs():
    """Two edits at once: each claim says on which it depends."""
    first = night(claim("a", LARGE), claim("b", SIGN), claim("c", "training"))
    code = CODE | {LARGE: {LARGE: "ff"}, SIGN: {SIGN: "ff", "masks.criteria.same_sign": "0c"}}
    lines = told(first, night(claim("a", LARGE, by=5), claim("b", SIGN, by=-9), claim("c", "training"), code=code))
    below = {line.split()[1]: after.strip() for line, after in zip(lines, lines[1:]) if line.startswith("Z12")}
    assert below == {"a[x]": LARGE, "b[x]": SIGN}


def test_an_exact_claim_accuses_nobody():
    """What it calls is not recorded: nobody knows whether its inputs are the same, unless its function moved."""
    then = result("zhou2019.law[x]", kind="exact", effects=[], inputs={"statement": "04"}, code=[])
    turned = then | {"verdict": "refuted"}
    assert changed(then, turned, {}) is None
    assert changed(then, turned | {"inputs": {"statement": "ff"}}, {}) == ["the claim's function"]
    before, after = whole(then, claim("a", LARGE)), whole(turned, claim("a", LARGE))
    baseline = Baseline({one["id"]: rows_of(one) for one in before["claims"]}, False, "before", "tiny", before)
    lines = difference(comparison(after, baseline), {one["id"]: one for one in after["claims"]}, 100)
    text = " ".join(" ".join(lines).split())
    assert "1 moved, 1 by more than chance" in text and "same inputs" not in text
    assert "1 of 2 verdicts the same" in text and "turned: law[x]: reproduced before, refuted now" in lines
