"""`lottery list`: every claim once, under its number, with the scales that ask it; without torch, and fast for that."""

import pytest

from lottery.claims.entries import read
from lottery.cli.claims_list import claims_list
from lottery.cli.main import main
from lottery.cli.run import claims_folder
from lottery.experiments.scales import SCALES


@pytest.fixture(scope="module")
def entries():
    """All entries of the suite."""
    expected = claims_folder().parent / "expected"
    return [entry for file in sorted(expected.glob("*.toml")) for entry in read(file).values()]


def names(text):
    """Return the names of claims in a list, each with its line."""
    return {line.split()[-1]: line for line in text.splitlines() if line.rstrip().endswith("]")}


def test_every_claim_is_there_once(entries):
    """With the scales that ask it and its kind."""
    text, found = claims_list([], "", "", 200)
    shown = names(text)
    assert found == len(entries) == len(shown)
    for entry in entries:
        words = shown[entry.id.partition(".")[2]].split()
        assert words[-2] == entry.kind and [word for word in words[:-2] if "-" not in word] == entry.asked_at()


@pytest.mark.parametrize("at", SCALES)
def test_a_scale_and_words_select(entries, at):
    """Words of names, statements, headlines, or a number."""
    asked = {entry.id for entry in entries if at in entry.asked_at()}
    assert claims_list([], "", at, 120)[1] == len(asked)
    for words in ("SIGN", "z12 ", "fischer"):
        text, found = claims_list([], words, at, 120)
        assert 0 < found < len(asked) and text.count("\n      ") >= found


@pytest.mark.parametrize("width", [40, 80, 133])
def test_it_fits_the_terminal(width):
    """From 80 columns on, and no name is cut: it can be copied."""
    text = claims_list([], "", "", width)[0]
    assert max(map(len, text.splitlines())) <= max(80, width) and "…" not in "".join(names(text))
    assert set(names(text)) == set(names(claims_list([], "", "", 200)[0]))


def test_exit_status(capsys):
    """5 where no claim is like that, as of a run that selects none; 2 where there is no such scale."""
    assert main(["list", "-k", "sign", "--scale", "tiny"]) == 0
    assert main(["list", "-k", "no claim says this"]) == 5
    assert main(["list", "--scale", "huge"]) == 2 and capsys.readouterr().err.startswith("ERROR: ")
    assert main(["list", "--claims", "nowhere"]) == 2 and "there is no folder" in capsys.readouterr().err
