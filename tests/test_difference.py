"""What moved, in lines: whole and beside an answer, at every width, and as Markdown."""

import pytest

from lottery.claims.baselines import Baseline, rows_of
from lottery.claims.comparison import comparison
from lottery.report.difference import brief, cells, difference, markdown
from tests.result_helpers import result, whole

SEEDS = [85.0, 85.5, 86.15, 85.7]
NAMES = [f"a_claim_with_quite_a_long_name_{number}[conv-6-standard]" for number in range(9)]


def claims(by):
    return [
        result(f"zhou2019.{name}", effects=[one + by * (1 + seed / 50) for seed, one in enumerate(SEEDS)])
        for name in NAMES
    ]


def compared(by, exact=False):
    """Return a comparison in which one claim is the same and all others moved, with the later results."""
    before, after = ({"environment": {"device": "cpu", "precision": "float32", "torch": v}} for v in ("1", "2"))
    before, after = whole(*claims(0)) | before, whole(*claims(0)[:1], *claims(by)[1:]) | after
    baseline = Baseline({one["id"]: rows_of(one) for one in before["claims"]}, False, "results/before", "tiny", before)
    return comparison(after, baseline, exact), {one["id"]: one for one in after["claims"]}


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width):
    """And a row has what it needs at each width."""
    lines = difference(*compared(-20), width)
    rows = [line for line in lines if line.startswith("Z12")]
    assert max(map(len, lines)) <= width and len(rows) == 8
    assert all("worse" in row and "[-2" in row and " p " in row for row in rows)
    assert all(name in row for name, row in zip(NAMES[1:], sorted(rows))) == (width > 80)


def test_beside_an_answer_a_few_are_shown():
    """Those that drifted, with the command that shows all; a line where none did."""
    lines = [line for line, _ in brief(*compared(-20), 80, 4)]
    assert sum(line.startswith("Z12") for line in lines) == 4
    assert lines[-1].strip() == "and 4 more: lottery compare results/before"
    assert "different: torch 1, then 2" in lines
    assert [line for line, _ in brief(*compared(1e-9), 200, 4)] == [
        "against results/before: all 9 verdicts the same; of 9 claims 1 the same, bit for bit; 8 moved, "
        "none by more than chance"
    ]


def test_beside_an_answer_the_surest_are_shown():
    """Not the first ones of the papers: whatever their order, those with the smallest p-values."""
    found, results = compared(-20)
    for place, move in enumerate(found["moves"]):
        move["p"] = 0.001 / (1 + place)
    lines = [line for line, _ in brief(found, results, 200, 3)]
    assert [line[6:].split()[0] for line in lines if line.startswith("Z12")] == NAMES[:-4:-1]


def test_all_that_moved_is_listed_where_nothing_may():
    """However little it moved."""
    lines = list(brief(*compared(1e-9, exact=True), 80, 4))
    assert sum(line.startswith("Z12") for line, _ in lines) == 8
    assert next(line for line, title in lines if title).startswith("NOT THE SAME  8")


def test_markdown_has_a_row_for_each():
    """What drifted first and in bold."""
    said = markdown(*compared(-20)).splitlines()
    assert sum("**worse**" in line for line in said) == 8
    assert "- different: torch 1, then 2" in said and said[0].startswith(
        "- against results/before: all 9 verdicts the same; "
    )


@pytest.mark.parametrize("width", [80, 200])
def test_parts_are_told_apart(width):
    """At every width no two rows of a conjunction read alike."""

    def conjunction(by):
        effects = [one + by * (1 + seed / 50) for seed, one in enumerate(SEEDS)]
        part = {"kind": "effect", "verdict": "reproduced", "estimate": 0.0, "n": 4, "effects": effects}
        names = ("large_final_wins", "magnitude_increase_wins", "random_loses")
        parts = [{"name": name, "region": [0, None], **part} for name in names]
        return result(f"zhou2019.{NAMES[0]}", effects=[], parts=parts, kind="conjunction")

    then, now = conjunction(0), conjunction(-20)
    found = comparison(whole(now), Baseline({then["id"]: rows_of(then)}, False, "before"))
    lines = difference(found, {now["id"]: now}, width)
    assert max(map(len, lines)) <= width
    for name in ("large final wins", "magnitude increase wins", "random loses"):
        assert sum(name in line for line in lines) == 1


def test_moves_of_levels_are_percentage_points():
    """As every other difference of per cent; a claim whose parts have several units tells none."""
    found, results = compared(-20)
    for unit, told in (("%", "] pp"), ("log ratio", "] log ratio"), ("pp, log ratio", "]")):
        changed = {id: one | {"unit": unit} for id, one in results.items()}
        assert all(cells(move, changed[move["id"]])[2].endswith(told) for move in found["moves"] if move["move"])
