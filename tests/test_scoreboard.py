"""The scoreboard: what a cell says of the numbers of two criteria, seed by seed, and how it is shown."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery.claims import scoreboard
from lottery.claims.claim import effect
from lottery.claims.quantities import Term, single
from lottery.claims.statistics import REFUTED, REPRODUCED, Decision, Region
from lottery.experiments.named_arms import chain
from tests.result_helpers import cell

LEVELS = {"large_final": 90.0, "mine": 90.0, "magnitude_increase": 89.0, "random": 80.0}


UP, DOWN = (0.5, float("inf")), (-float("inf"), 0.0)


def board(margin=1.5, region=UP, error="", failed=(), missing=(), dead={}, seeds=8, step=5.0, **levels):  # noqa: B006
    """Return the cells of a question about accuracies, each seed's a level and noise that all criteria share.

    The networks of the criteria in `dead` failed in these seeds.
    """
    levels = LEVELS | levels

    def said_of(name):
        arm = chain(name)
        term = Term(
            (arm, 0),
            name,
            lambda measured: measured["value"],
            lambda measured: 0.1,
            fails=lambda measured: measured["dead"],
        )
        return effect(single(term))

    asked = SimpleNamespace(
        claim=SimpleNamespace(
            id="own.beats[mine]",
            entry_id="own.beats[*]",
            subject="mine",
            contest="criterion",
            variant="mine",
            network="lenet-300-100",
        ),
        entry=SimpleNamespace(statement="It does.", unit="pp"),
        question=SimpleNamespace(region=Region(*region), margin=margin),
        statement=None if error else said_of("mine"),
        references={name: said_of(name) for name in LEVELS if name != "mine"},
        seeds=range(seeds),
        error=error,
        skip="",
        experiment=lambda arm, round, seed: (arm.mask.criterion, seed),
        experiments_of=lambda statement: [statement.quantity.terms[0].name],
    )

    def measured(one):
        name, seed = one
        if seed in dead.get(name, ()):
            return {"value": 10.0 + 0.1 * (seed % 4) * (name == "mine"), "dead": True}
        return {"value": levels[name] + step * (seed % 3) + 0.1 * (seed % 4) * (name == "mine"), "dead": False}

    def lacking(names):
        if set(names) & set(failed):
            return scoreboard.ERROR, "criterion 'mine' raised ValueError"
        return (scoreboard.NOT_ASKED, "budget") if set(names) & set(missing) else ("", "")

    return {one["name"]: one for one in scoreboard.cells(asked, measured, lacking)}


@pytest.mark.parametrize(
    "mine, margin, region, state",
    [
        (90.0, 1.5, (0.5, float("inf")), "equal"),
        (92.0, 1.5, (0.5, float("inf")), "better"),
        (87.0, 1.5, (0.5, float("inf")), "worse"),
        (87.0, 1.5, (-float("inf"), 0), "better"),
        (92.0, 1.5, (-float("inf"), 0), "worse"),
        (91.35, 1.5, (0.5, float("inf")), "better"),  # its interval goes beyond the margin, and lies above zero
        (90.0, None, (0.5, float("inf")), "better"),
        (89.85, None, (0.5, float("inf")), "open"),
    ],
)
def test_states(mine, margin, region, state):
    """By the interval of paired differences, in the direction that the question's region has."""
    found = board(margin, region, mine=mine)
    assert found["mine"]["state"] == state
    assert found["mine"]["difference"] == pytest.approx(mine - 90 + 0.1 * (0 + 1 + 2 + 3) * 2 / 8)
    assert found["large_final"]["state"] == "reference" and found["large_final"]["difference"] is None
    assert found["random"]["effects"] == pytest.approx([-10] * 8)  # what seeds share is gone


def test_differences_are_paired():
    """Noise of ten points that criteria share does not widen the interval of their difference."""
    own = board()["mine"]
    low, high = own["interval"]
    assert high - low > 4 and own["difference_interval"][1] - own["difference_interval"][0] < 0.5


def test_errors_are_a_state_of_their_own():
    """With the message, in the cells that it concerns; the references have their numbers."""
    for found in (board(failed=["mine"]), board(error="criterion 'mine' raised ValueError")):
        assert found["mine"]["state"] == "error" and found["mine"]["reason"].startswith("criterion 'mine' raised")
        assert found["mine"]["difference"] is None and found["mine"]["effects"] == []
    found = board(failed=["mine"])
    assert found["random"]["state"] == "worse"
    found = board(failed=["large_final"])
    assert found["large_final"]["state"] == "error" and found["mine"]["state"] == "open"
    assert found["mine"]["estimate"] is not None and found["mine"]["reason"].startswith("large_final: ")
    assert board(missing=["mine"])["mine"]["reason"] == "budget"


FEW_SEEDS, MANY, ALL = {3}, {7, 8, 9, 10, 11}, set(range(12))


@pytest.mark.parametrize(
    "mine, dead, state, n",
    [
        (92.0, {"mine": FEW_SEEDS}, "better", 11),  # one of twelve is left out
        (92.0, {"mine": MANY}, "open", 7),  # better than the reference, or no better than a constant
        (88.0, {"mine": MANY}, "worse", 7),  # whether it failed or not
        (89.85, {"mine": MANY}, "open", 7),  # not equal, with five that failed
        (92.0, {"large_final": MANY}, "better", 7),
        (88.0, {"large_final": MANY}, "open", 7),
        (89.85, {"large_final": MANY}, "open", 7),
        (90.0, {"large_final": MANY}, "better", 7),  # by too little, or by all that can be learned
        (92.0, {"mine": {7, 8}, "large_final": {9, 10}}, "open", 8),  # those that failed say everything
        (92.0, {"mine": MANY, "large_final": MANY}, "open", 12),  # nothing is compared with nothing
        (92.0, {"mine": ALL}, "worse", 12),
        (88.0, {"large_final": ALL}, "better", 12),
        (92.0, {"mine": ALL, "large_final": ALL}, "open", 12),
        (92.0, {"mine": ALL - {5}}, "worse", 11),  # one that learned something is left out
        (92.0, {"mine": ALL - {5, 6}}, "open", 10),
    ],
)
@pytest.mark.parametrize("margin", [1.5, None])
@pytest.mark.parametrize("lower", [False, True])
def test_what_is_better_is_so_with_failed_networks_and_without(mine, dead, state, n, margin, lower):
    """On either side of the comparison, whatever the direction of the question and with a margin or without."""
    found = board(margin, DOWN if lower else UP, dead=dead, seeds=12, mine=mine)["mine"]
    told = {"better": "worse", "worse": "better"}.get(state, state) if lower else state
    assert (found["state"], found["n"]) == (told, n)
    assert found["failed"] == sorted(set().union(*dead.values()))
    assert found["clouded"] == (state == "open") == bool(found["reason"])


@pytest.mark.parametrize("seed", range(5))
def test_one_failed_seed_of_five_leaves_it_open(seed):
    """It is more than a tenth, and too few to tell whether it agrees."""
    found = board(mine=92.0, dead={"mine": {seed}}, seeds=5)["mine"]
    assert found["state"] == "open" and found["clouded"] and "one seed is too few" in found["reason"]
    assert not board(mine=92.0, seeds=5)["mine"]["clouded"]


@pytest.mark.parametrize("mine, state", [(90.0, "equal"), (92.0, "better"), (88.0, "worse")])
def test_seeds_that_agree_to_the_last_image_are_decided(mine, state):
    """By the steps that accuracies come in."""
    found = board(mine=mine, step=0.0, seeds=4)
    assert found["mine"]["state"] == state and found["random"]["state"] == "worse"


def test_what_is_open_by_itself_is_not_laid_on_failed_networks():
    """They are told where they are at fault alone."""
    found = board(None, mine=89.85, dead={"random": MANY})["mine"]
    assert found["state"] == "open" and not found["clouded"] and not found["failed"] and not found["reason"]


def test_a_question_with_two_ends_calls_nothing_better():
    """It says why it is open, and equal still is."""
    found = board(None, (-1.0, 1.0), mine=92.0)["mine"]
    assert found["state"] == "open" and found["reason"] == scoreboard.TWO_ENDS
    assert board(1.5, (-1.0, 1.0))["mine"]["state"] == "equal"


@given(st.floats(-5, 5), st.floats(0, 4), st.floats(0.1, 3), st.booleans())
@settings(max_examples=100)
def test_equal_is_what_lies_within_the_margin(middle, half, margin, clouded):
    """And never what is better or worse than the margin allows for certain."""
    low, high = middle - half, middle + half
    inside = -margin <= low and high <= margin
    difference = Decision(REPRODUCED, middle, (low, high), 9, clouded=clouded)
    within = Decision(REPRODUCED if inside else REFUTED, middle, (low, high), 9)
    state = scoreboard.compared(difference, within, Region(0))
    assert (state == "equal") == inside
    if not inside:
        assert state == ("open" if clouded else "better" if low > 0 else "worse" if high < 0 else "open")


def some(own=1, questions=3):
    """Return a board of so many own criteria and questions."""
    names = [f"mine_{number}" for number in range(own)]
    cells = []
    for question in range(questions):
        which = {"question": f"own_criterion.a_question_of_some_length_{question}"}
        cells += [cell(name, 0.1 * question, **which) for name in names]
        cells += [cell("large_final", None, None, "reference", **which)]
        cells += [cell(name, -3.0, (-4.0, -2.0), "worse", **which) for name in ("magnitude_increase", "random")]
    return scoreboard.gathered(cells + cells)


def test_a_board_has_each_cell_once():
    """Own criteria before the references, questions in their order, and references once for all own ones."""
    found = some(own=2, questions=2)
    assert [one["name"] for one in found] == 2 * ["mine_0", "mine_1", "large_final", "magnitude_increase", "random"]
