"""Readings: what a claim's file says about it and no other, and the quantities that all share."""

from types import SimpleNamespace

import pytest

from lottery.claims.readings import readings

FILE = '''"""Claims."""
from somewhere import claim

RATE = 0.2

def helper(x):
    return x

@claim("a")
def test_one(question):
    """It holds."""
    return helper(1)  # why

@claim("b", "c")
def test_two(question):
    return helper(2)
'''


def digests(tmp_path, text, terms=("accuracy",)):
    """Return the readings of the two claims in a file."""
    file = tmp_path / f"{len(list(tmp_path.iterdir()))}.py"
    file.write_text(text)
    statement = SimpleNamespace(quantities=[SimpleNamespace(terms=[SimpleNamespace(name=name) for name in terms])])
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith("@claim")]
    return [
        readings(SimpleNamespace(claim=SimpleNamespace(file=file, line=line), statement=statement)) for line in lines
    ]


@pytest.mark.parametrize(
    "old, new, changed",
    [
        ("helper(1)", "helper(7)", [True, False]),
        ("helper(2)", "helper(7)", [False, True]),
        ("return x", "return -x", [True, True]),
        ("RATE = 0.2", "RATE = 0.3", [True, True]),
        ("It holds.", "It does.", [False, False]),
        ("# why", "", [False, False]),
        ('"b", "c"', '"b", "c", "d"', [False, False]),
        ("import claim", "import claim, other", [False, False]),
    ],
)
def test_what_changes_a_statement(tmp_path, old, new, changed):
    """Its own function and what its file has beside claims; no words, no other claim."""
    before, after = digests(tmp_path, FILE), digests(tmp_path, FILE.replace(old, new))
    assert [one["statement"] != other["statement"] for one, other in zip(before, after)] == changed
    assert before[0]["quantities"] == after[1]["quantities"]


def test_other_terms_are_another_statement(tmp_path):
    """As another argument of the same function makes them."""
    assert digests(tmp_path, FILE)[0] != digests(tmp_path, FILE, ("early stop",))[0]


def test_a_file_that_went_away_reads_as_nothing(tmp_path):
    """It was there when it was imported."""
    asked = SimpleNamespace(
        claim=SimpleNamespace(file=tmp_path / "gone.py", line=1), statement=SimpleNamespace(quantities=())
    )
    assert set(readings(asked)) == {"statement", "quantities"}
    assert readings(SimpleNamespace(statement=None)) == {}
