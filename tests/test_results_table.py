"""The results table: its cells, its marks, its order."""

import pytest

from lottery.claims.results import in_order
from lottery.report import results_table
from tests.result_helpers import result, whole


def test_table_shows_claim_value_interval_and_verdict():
    """Claim, the paper's value, ours with interval and n, the verdict with its marks, seconds, by paper."""
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


def test_an_open_end_is_shown():
    """Of an interval with one side open; what has no interval for one more seed says nothing of it."""
    unit = {"unit": "log ratio", "estimate": 0.82}
    assert results_table.ours(result(**unit, interval=[0.74, None])) == "+0.82 [+0.74, inf] log ratio"
    assert results_table.ours(result(**unit, interval=[None, 0.9])) == "+0.82 [-inf, +0.90] log ratio"
    assert results_table.one_more(result()) == "; one more seed [83.0, 88.1]"
    assert results_table.one_more(result(prediction=None)) == ""


REFUTED = {"verdict": "refuted", "expected_verdict": "refuted", "analogue": False}


@pytest.mark.parametrize(
    "changes, shown",
    [
        ({"analogue": False}, "reproduced"),
        ({"verdict": "refuted"}, "refuted (analogue) (!)"),
        (REFUTED | {"expected_basis": "control"}, "refuted (control)"),
        (REFUTED | {"expected_basis": "contradiction"}, "refuted (contradicted)"),
        (REFUTED | {"expected_basis": "baseline", "expected_since": "2026-11-21"}, "refuted (known since 2026-11-21)"),
        ({"verdict": "refuted", "expected_verdict": "any", "analogue": False}, "refuted"),
        ({"verdict": "skipped"}, "skipped"),
        ({"aside": "worse"}, "reproduced (analogue), though worse"),
        ({"verdict": "inconclusive", "changed": "2026-12-01: why"}, "inconclusive (analogue) (question changed)"),
    ],
)
def test_marks(changes, shown):
    """Analogue, other than expected, expected to be refuted for one of three reasons, question changed."""
    assert results_table.verdict(result(**changes)) == shown


def test_order_does_not_depend_on_the_tests_order():
    """By paper, then number, then id."""
    results = [result(f"{paper}.{name}", number=number) for paper, name, number in
               [("zhou2019", "b", "12"), ("negative_controls", "a", "not 2"), ("zhou2019", "a", "2"),
                ("frankle_carbin2019", "z", "71")]]  # fmt: skip
    expected = ["frankle_carbin2019.z", "zhou2019.a", "zhou2019.b", "negative_controls.a"]
    assert [one["id"] for one in in_order(results)] == [one["id"] for one in in_order(results[::-1])] == expected


def test_claims_of_a_group_stand_together():
    """S1, S2, S10 before T1 and after M2; numbers without letters by their value."""
    shuffled = [result(id=f"a.{number}[x]", number=number) for number in ("T1", "S10", "S2", "M2", "S1")]
    assert [one["number"] for one in in_order(shuffled)] == ["M2", "S1", "S2", "S10", "T1"]
    assert [one["number"] for one in in_order([result(id=f"a.{n}[x]", number=n) for n in ("10", "9", "25d")])] == [
        "9",
        "10",
        "25d",
    ]


def test_only_what_was_answered_is_measured():
    """In the line below the table, which is about all tests: the papers' and those of what is a user's own."""
    late, broken = result("zhou2019.late[x]", verdict="skipped"), result("zhou2019.odd[x]", verdict="error")
    exact = [result(f"zhou2019.exact[{verdict}]", kind="exact", verdict=verdict) for verdict in ("reproduced", "error")]
    own = [result("own_criterion.q[mine]", own="criterion", verdict="inconclusive", analogue=False)]
    told = results_table.summary(whole(result(), late, late, broken, *exact) | {"criteria": own}).split("; ")
    assert told[:4] == [
        "2 claims measured: 1 reproduced, 1 inconclusive, 1 of them analogues",
        "1 exact, of arithmetic and of the algorithm: 1 reproduced",
        "2 ended in an error",
        "2 not asked",
    ]
    assert results_table.summary(whole(late)).startswith("1 not asked; 0 other than expected")
