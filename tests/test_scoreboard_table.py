"""The scoreboard as text: every cell is there and fits, in a terminal and as Markdown."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

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
    assert "error of bad, 1 questions: criterion 'bad' raised X" in text
    assert scoreboard_table.markdown([]) == ""


def test_questions_about_networks_name_them():
    """In the place of the word for any."""
    assert (
        scoreboard_table.label(cell(question="own.beats_random_on_network", network="small")) == "beats random on small"
    )
    assert scoreboard_table.label(cell(question="own.beats_random")) == "beats random"
