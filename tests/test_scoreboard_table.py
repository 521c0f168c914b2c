"""The scoreboard as text: every cell is there and fits, in a terminal and as Markdown."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery.claims.results import of_differences
from lottery.report import scoreboard_table
from tests.result_helpers import cell
from tests.test_scoreboard import some


@given(st.integers(1, 9), st.integers(1, 14), st.integers(80, 200))
@settings(max_examples=60, deadline=None)
def test_every_cell_is_shown_and_fits(own, questions, width):
    """However many criteria there are, no line is longer than the terminal and each own one has its states."""
    lines = list(scoreboard_table.lines(some(own, questions), width))
    assert max(map(len, lines)) <= width
    assert sum(len(re.findall(r"[\d\]] equal", line)) for line in lines) == own * questions


def test_markdown_has_all_of_it():
    """One table with a column for each criterion, own ones in bold, intervals, and errors below with their messages."""
    cells = [cell("bad", None, None, "error", reason="own_criterion.beats_random[bad]: criterion 'bad' raised X")]
    text = scoreboard_table.markdown(some() + cells)
    head = text.splitlines()[0]
    assert head.split("|")[3].strip() == "**mine_0**" and "large_final" in head
    assert "+0.20 [-0.20, +0.40] equal" in text and "4.50 pp" in text and "±1.5 pp" in text
    assert "error of bad, 1 question: criterion 'bad' raised X" in text
    assert scoreboard_table.markdown([]) == ""


@pytest.mark.parametrize("reason", ["KeyError: 'x[0]: y'", "mine.py:3: ValueError: at [1]: no", "budget"])
@pytest.mark.parametrize("count", [1, 2])
def test_errors_are_told_in_full(reason, count):
    """Without the claim that a message begins with, and with all that follows, brackets and colons among it."""
    for before in ("", "own_criterion.beats_random[lenet-300-100-mine]: "):
        cells = [cell("mine", None, None, "error", reason=before + reason)] * count
        noun = "question" if count == 1 else "questions"
        assert scoreboard_table.errors(cells) == [f"error of mine, {count} {noun}: {reason}"]


@pytest.mark.parametrize("count, last", [(4, ""), (5, "and 1 other error"), (6, "and 2 other errors")])
def test_of_many_errors_the_rest_is_counted(count, last):
    """In the number that it is."""
    told = scoreboard_table.errors([cell("mine", None, None, "error", reason=str(n)) for n in range(count)])
    assert told[4:] == [last] * bool(last)


def test_a_cell_that_failed_networks_leave_open_says_so():
    """With a sign that the legend explains, in a terminal and as Markdown; elsewhere there is neither."""
    clouded = [cell("mine", -15.9, (-28.2, -5.8), "open", clouded=True)]
    nothing = [cell("mine", None, None, "open", clouded=True)]
    plain = [cell("mine", 0.4, (-1.0, 1.8), "open")]
    for board, word in ((clouded, "-15.90 [-28.20, -5.80] open!"), (nothing, "open!")):
        assert scoreboard_table.shown(board[0]) == word
        assert any(word in line for line in scoreboard_table.lines(board, 120))
        assert scoreboard_table.WHY_CLOUDED in scoreboard_table.legend(board)
        assert word in scoreboard_table.markdown(board) and "open!: seeds" in scoreboard_table.markdown(board)
    assert scoreboard_table.shown(plain[0]).endswith(" open") and len(scoreboard_table.legend(plain)) == 2
    assert "open!" not in scoreboard_table.markdown(plain)


def test_the_legend_says_how_sure_a_cell_is():
    """Each by itself: no line of it is wrapped on the narrowest screen."""
    told = scoreboard_table.legend([cell(clouded=True)])
    assert max(map(len, told)) <= 80
    assert "each cell by itself at 90 %, without correction for the number of cells" in told
    assert told[1] in scoreboard_table.markdown([cell()])


@pytest.mark.parametrize("unit, shown", [("%", "pp"), ("pp", "pp"), ("log ratio", "log ratio")])
def test_margins_of_levels_are_percentage_points(unit, shown):
    """As all differences of them are."""
    assert scoreboard_table.margin(cell(unit=unit)) == f"±1.5 {shown}" and of_differences(unit) == shown
    assert scoreboard_table.shown(cell(unit=unit)) == "+0.10 [-0.20, +0.40] equal"


def test_questions_about_networks_name_them():
    """In the place of the word for any."""
    assert (
        scoreboard_table.label(cell(question="own.beats_random_on_network", network="small")) == "beats random on small"
    )
    assert scoreboard_table.label(cell(question="own.beats_random")) == "beats random"
