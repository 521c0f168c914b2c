"""The plan's table: what each claim adds and takes alone, where a budget ends, and nothing wider than the terminal."""

import pytest

from lottery.experiments.plan import Plan, Row
from lottery.report.plan_table import plan_table

LONG = "zhou2019.a_claim_with_quite_a_long_name_about_signs_and_magnitudes[lenet-300-100-with-more-behind-it]"
ROWS = [
    Row("zhou2019.stored[a]", 0, 0, 0.0, 0, 0.0),
    Row("zhou2019.dense[a]", 2, 60, 30.0, 2, 30.0),
    Row("zhou2019.the_same[a]", 0, 0, 0.0, 2, 30.0),
    Row(LONG, 4, 12_000, 600.0, 6, 630.0),
]
PLAN = Plan(ROWS, 7, 2**20 * 50)
CODES = {row.claim: f"Z{index}" for index, row in enumerate(ROWS)}


def lines(budget=None, workers=2, width=120):
    return plan_table(PLAN, workers, CODES, budget, width).splitlines()


def test_what_a_claim_adds_and_what_it_takes_alone():
    """Both of all workers together; one whose networks are all in others adds nothing and says why."""
    _, _, dense, same, long, _, *told = lines()
    assert dense.split() == ["Z1", "dense[a]", "2", "15.0", "s", "15.0", "s", "15.0", "s"]
    assert same.split() == ["Z2", "the_same[a]", "2", "15.0", "s", "shared", "15.0", "s"]
    assert long.split()[2:] == ["6", "5.2", "min", "5.0", "min", "5.2", "min"]
    assert told[0] == "6 networks to train or to evaluate, 12,060 network-steps; 7 that were asked for are in the store"
    assert told[1] == "1 claims need nothing more" and told[2].startswith("about 5.2 min with 2 workers")


@pytest.mark.parametrize("width", [40, 80, 97, 140, 300])
def test_it_fits_the_terminal(width):
    """From 80 columns on, and wastes none beyond 140; names are cut, and codes stay."""
    table = lines(width=width, budget=20.0)[:6]
    assert max(map(len, lines(width=width))) <= max(80, width)
    assert {len(line) for line in table} == {max(80, min(140, width))} and any(line.startswith("Z3") for line in table)


@pytest.mark.parametrize(
    "budget, place, told",
    [
        (14.9, 2, "after 0 of 3 claims"),
        (15.0, 4, "after 2 of 3 claims"),
        (314.9, 4, "after 2 of 3 claims"),
        (315.0, 5, "enough for all 3 claims"),
    ],
)
def test_a_line_where_the_budget_ends(budget, place, told):
    """Before the first claim that is not done in time."""
    found = lines(budget)
    assert [index for index, line in enumerate(found) if "the budget" in line] == [place] and told in found[place]
    assert not any("the budget" in line for line in lines())


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]])
def test_what_lacks_data_is_told_once(rows):
    """Its rows stand below what is planned, and the reason once, however many claims it keeps from being planned."""
    lacking = {"zhou2019.one[a]": "there is no CIFAR-10", "zhou2019.two[a]": "there is no CIFAR-10"}
    table = plan_table(Plan(rows, 7, 0, lacking), 2, {"zhou2019.one[a]": "Z7"}, 10.0).splitlines()
    planned = [place for place, line in enumerate(table) if "dense[a]" in line]
    apart = [place for place, line in enumerate(table) if line.endswith("lacks data")]
    assert len(apart) == 2 and all(place < apart[0] for place in planned) and table[apart[0]].startswith("Z7    one[a]")
    assert "without the claims that lack their data" in " ".join(table) and "without" not in " ".join(lines())
    assert [line for line in table if "there is no" in line] == [
        "2 claims lack their data, and a run that asks them ends with: there is no CIFAR-10"
    ]


def test_nothing_to_train_is_one_line():
    """However many claims there are."""
    assert plan_table(Plan(ROWS[:1], 7, 0), 2).startswith("nothing: 0 networks")
