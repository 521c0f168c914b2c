"""Places: where in a user's code an error was raised; of what is not theirs, where that was called."""

import importlib.util

import pytest

from lottery.core.errors import LotteryError
from lottery.masks import own_criteria, own_treatments
from lottery.store.places import raised
from tests.own_criteria_helpers import scored

BESIDE = "def deeper(values):\n    return values.reshape(5, -1)\n"
MINE = "from beside import deeper\n\ndef score(w_final):\n    return {}\n"


@pytest.mark.parametrize(
    "body, place, what",
    [
        ("1 / 0", "mine.py, line 4, in score", "ZeroDivisionError: division by zero"),
        ("w_final.reshape(5, -1)", "mine.py, line 4, in score", "RuntimeError: shape '[5, -1]' is invalid"),
        ("deeper(w_final)", "beside.py, line 2, in deeper", "RuntimeError: shape '[5, -1]' is invalid"),
        ("(lambda: w_final.nothing)()", "mine.py, line 4, in <lambda>", "AttributeError: "),
        ("eval('1 / 0')", "mine.py, line 4, in score", "ZeroDivisionError: "),
    ],
)
def test_the_innermost_place_in_files_of_theirs(load_own, tmp_path, monkeypatch, body, place, what):
    """As somebody in its folder names the file; from elsewhere with the whole path."""
    load_own(mine=MINE.format(body), beside=BESIDE)

    for folder, start in ((tmp_path, ""), (tmp_path.parent / "x", f"{tmp_path}/")):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        with pytest.raises(LotteryError) as error:
            scored()
        assert str(error.value).startswith(f"criterion 'mine' raised an error in {start}{place}: {what}")


def test_where_a_file_stopped_to_be_imported(tmp_path, monkeypatch):
    """By its line alone; a file that is no Python says so itself."""
    monkeypatch.chdir(tmp_path)
    for source, told in (("X = 1\n1 / 0\n", "in mine.py, line 2: ZeroDivision"), ("(", "raised SyntaxError: '(' was")):
        (tmp_path / "mine.py").write_text(source)
        for load in (own_criteria.load, own_treatments.load):
            with pytest.raises(LotteryError) as error:
                load("mine=mine.py:score")
            assert told in str(error.value)


def test_of_an_installed_function_where_that_went_on(tmp_path):
    """Not what a library did within it, nor what Python or this package called it by."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "theirs.py").write_text("import json\n\ndef score(text):\n    return json.loads(text)\n")
    spec = importlib.util.spec_from_file_location("theirs", folder / "theirs.py")
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    try:
        theirs.score("{")
    except ValueError as error:
        error.__traceback__ = error.__traceback__.tb_next  # without this test, which is somebody's own
        told = raised(error)
    assert told.startswith(f"raised an error in {folder}/theirs.py, line 4, in score: JSONDecodeError: ")


def test_without_a_place_the_error_alone():
    """As of what was never raised, or raised in this package."""
    assert raised(ValueError("x")) == "raised ValueError: x"
    try:
        own_criteria.load("large_finale")
    except LotteryError as error:
        error.__traceback__ = error.__traceback__.tb_next
        assert raised(error).startswith("raised LotteryError: --criterion large_finale: ")
