"""History: a question that was changed after it had been measured says so, in `expected/` and in a made-up file."""

from pathlib import Path

import pytest

from lottery.claims import entries
from lottery.claims.baselines import read_tables
from lottery.claims.history import ASKED, Measured, asked_of, unmarked
from tests.test_entries import GOOD, read

EXPECTED = Path(__file__).parent.parent / "expected"
ID = "some2020.claim[lenet-300-100]"
CHANGED = '[[claim.changed]]\non = 2026-12-01\nwas = { tiny = "refuted" }\nwhy = "asked wrongly"\n'


def _last(row):
    """Return the question of a claim's last run; what was measured before questions were kept asked the first."""
    return row.question if row.question or row.verdict == "skipped" else row.first


def measured(first, last="", changes=0):
    return Measured(ID, "tiny", first, last or first, changes)


def test_every_change_of_expected_is_marked():
    """A claim that our baselines have asks what it asked when it was first measured, or says that it does not."""
    files = [entries.read_file(path) for path in sorted(EXPECTED.glob("*.toml"))]
    of = {id: entry for path in EXPECTED.glob("*.toml") for id, entry in entries.read(path).items()}
    measured = [
        Measured(id, folder.name, rows[0].first, _last(rows[0]), rows[0].changes)
        for folder in sorted((EXPECTED / "baselines").iterdir())
        for table in read_tables(folder).values()
        for id, rows in table.claims.items()
        if rows[0].first
    ]
    assert len(measured) > 200
    assert unmarked(of, [id for file in files for id in file.retired], measured) == []


@pytest.mark.parametrize(
    "old, new, different",
    [
        ('kind = "effect"', 'kind = "exact"', "kind"),
        ("A statement.", "Another statement.", "statement"),
        ('"test accuracy"', '"train accuracy"', "metric"),
        ("region = [0, inf]", "region = [-0.1, inf]", "region"),
        ("rounds = [1, 2]", "rounds = [2]", "rounds, shares or iterations"),
        ("rounds = [1, 2]", "shares = [0.5]", "rounds, shares or iterations"),
        ("rounds = [1, 2]", "rounds = [1, 2]\nlevel = 50.0", "rounds, shares or iterations"),
        ("seeds = 5", 'seeds = 5\ntraining = "sgd"', "needs or kind of answer"),
        ('training = "early stop"', 'training = "full length"', "needs or kind of answer"),
        ('analogue = "It survives."', "", "needs or kind of answer"),
        ("seeds = 5", "seeds = 6", ""),
        ('reason = "Better is above zero."', 'reason = "Better."', ""),
        ('number = "1"', 'number = "1"\ndoubt = "from memory"', ""),
    ],
)
def test_a_changed_question_is_noticed_unless_it_is_marked(tmp_path, old, new, different):
    """Everything that is asked counts, by its name; seeds and reasons do not."""
    first = asked_of(read(tmp_path, GOOD)[ID], "tiny")
    assert old in GOOD and len(first.split("-")) == len(ASKED)
    text = GOOD.replace(old, new, 1)
    lines = unmarked(read(tmp_path, text), [], [measured(first)])
    assert [f"asks another {different} at tiny" in line for line in lines] == [True] * bool(different)
    assert unmarked(read(tmp_path, text + CHANGED), [], [measured(first)]) == []


def test_a_mark_excuses_no_later_change(tmp_path):
    """Once the changed question was measured, another change takes another mark."""
    first = asked_of(read(tmp_path, GOOD)[ID], "tiny")
    text = GOOD.replace("A statement.", "Another statement.") + CHANGED
    last = asked_of(read(tmp_path, text)[ID], "tiny")
    assert unmarked(read(tmp_path, text), [], [measured(first, last, 1)]) == []
    again = text.replace("Another statement.", "A third.")
    assert len(unmarked(read(tmp_path, again), [], [measured(first, last, 1)])) == 1
    assert unmarked(read(tmp_path, again + CHANGED), [], [measured(first, last, 1)]) == []
    back = GOOD + CHANGED  # to the first question, which the last measurement did not ask
    assert len(unmarked(read(tmp_path, back), [], [measured(first, last, 1)])) == 1


def test_a_mark_is_of_its_scale(tmp_path):
    """A change at another scale excuses nothing."""
    first = asked_of(read(tmp_path, GOOD)[ID], "tiny")
    text = GOOD.replace("A statement.", "Another.") + CHANGED.replace("tiny =", "paper =")
    assert len(unmarked(read(tmp_path, text), [], [measured(first)])) == 1


def test_nothing_asked_any_longer(tmp_path):
    """A scale that is skipped now, and a claim that is gone, must say so."""
    first = asked_of(read(tmp_path, GOOD)[ID], "tiny")
    skipped = GOOD[: GOOD.index("rounds =")] + 'skip = "for a reason"\n'
    assert asked_of(read(tmp_path, skipped)[ID], "tiny") == ""
    assert "asks nothing any longer at tiny" in unmarked(read(tmp_path, skipped), [], [measured(first)])[0]
    gone = measured(first)._replace(id="some2020.gone[lenet-300-100]")
    assert "is gone" in unmarked(read(tmp_path, GOOD), [], [gone])[0]
    assert unmarked(read(tmp_path, GOOD), [gone.id], [gone]) == []
