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
    text, found, wrong = claims_list([], "", "", 200)
    shown = names(text)
    assert not wrong
    assert found == len(entries) == len(shown)
    for entry in entries:
        words = shown[entry.id.partition(".")[2]].split()
        assert words[-2] == entry.kind and [word for word in words[:-2] if "-" not in word] == entry.asked_at()


@pytest.mark.parametrize("at", SCALES)
def test_a_scale_and_words_select(entries, at):
    """Words of names, statements, headlines, or a number."""
    asked = {entry.id for entry in entries if at in entry.asked_at()}
    assert claims_list([], "", at, 120).found == len(asked)
    for words in ("SIGN", "z12 ", "fischer"):
        text, found, _ = claims_list([], words, at, 120)
        assert 0 < found < len(asked) and text.count("\n      ") >= found


@pytest.mark.parametrize("width", [40, 80, 133])
def test_it_fits_the_terminal(width):
    """From 80 columns on, and no name is cut: it can be copied."""
    text = claims_list([], "", "", width).text
    assert max(map(len, text.splitlines())) <= max(80, width) and "…" not in "".join(names(text))
    assert set(names(text)) == set(names(claims_list([], "", "", 200).text))


def test_questions_about_what_is_a_users_own_are_counted_apart(entries):
    """They are no claims, and a run without such an option does not ask them: their mark and the options are told."""
    own = [entry for entry in entries if entry.id.endswith("[*]")]
    text, found, _ = claims_list([], "", "", 200)
    last = text.splitlines()[-3:]
    assert last[0] == f"{len(entries) - len(own)} claims" and found == len(entries)
    assert last[1].startswith(f"{len(own)} questions, their names ending in [*], ") and "--criterion" in last[1]
    assert "questions" not in claims_list([], "fischer", "", 200).text


def test_a_broken_file_hides_no_other(tmp_path, monkeypatch, capsys):
    """Of a file that is no TOML, and of a claim whose entry is wrong, all else is listed, and the status is 2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "expected").mkdir()
    for paper in ("good_2020", "bad_2021", "odd_2022"):
        (tmp_path / f"test_{paper}.py").touch()
        text = "".join([TITLE, ENTRY.format(paper=paper, name="one"), ENTRY.format(paper=paper, name="two")])
        (tmp_path / "expected" / f"{paper}.toml").write_text(text)
    (tmp_path / "expected" / "bad_2021.toml").write_text("title = ")
    odd = tmp_path / "expected" / "odd_2022.toml"
    odd.write_text(odd.read_text().replace("seeds = 5", "sheds = 5", 1))
    assert main(["list", "--claims", "."]) == 2
    shown, told = capsys.readouterr()
    assert (shown.count(" one["), shown.count(" two[")) == (1, 2) and "\n3 claims\n" in shown
    assert [line.partition(",")[0].partition(" is")[0] for line in told.splitlines()] == [
        "ERROR: expected/bad_2021.toml", "ERROR: expected/odd_2022.toml"]  # fmt: skip


TITLE = 'title = "Some"\n'
ENTRY = """
[[claim]]
id = "{paper}.{name}[lenet-300-100]"
number = "1"
kind = "effect"
statement = "A statement."
source = "section 1"
metric = "test accuracy"
unit = "pp"
needs = {{ dataset = "mnist", network = "lenet-300-100", training = "early stop" }}
[claim.scales.tiny]
rounds = [1]
seeds = 5
region = [0, inf]
reason = "Better is above zero."
"""


def test_exit_status(capsys):
    """5 where no claim is like that, as of a run that selects none; 2 where there is no such scale."""
    assert main(["list", "-k", "sign", "--scale", "tiny"]) == 0
    assert main(["list", "-k", "no claim says this"]) == 5
    assert main(["list", "--scale", "huge"]) == 2 and capsys.readouterr().err.startswith("ERROR: ")
    assert main(["list", "--claims", "nowhere"]) == 2 and "there is no folder" in capsys.readouterr().err
