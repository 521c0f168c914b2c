"""Folders of claims outside of the checkout: what is one, what is told where there is none, and runs of several."""

import json
import os
from pathlib import Path

import pytest

import lottery.claims.claim  # noqa: F401  (pytester forgets what a run imports)
from lottery.claims.claims_folders import benchmarks_of, check_apart, expected_file, holds_claims, paper_of
from lottery.claims.run_folders import run_folder
from lottery.cli import main, run
from lottery.core.errors import LotteryError
from tests.test_plugin import QUICKLY, entry
from tests.test_typos import HEAD, OTHER

ONE = entry("other[one]", "exact", "", needs="", scale="every")


def lay_out(folder: Path, paper: str, flat: bool = False, entries: bool = True) -> Path:
    """Write a folder of one exact claim, its tests beside `expected/` or in `benchmarks/`, and return it."""
    tests = folder if flat else folder / "benchmarks"
    for place in (tests, folder / "expected"):
        place.mkdir(parents=True, exist_ok=True)
    (tests / f"test_{paper}.py").write_text(HEAD + OTHER)
    if entries:
        text = ONE.replace("mini2020", paper.replace("_2", "2"))
        (folder / "expected" / f"{paper}.toml").write_text(f'title = "{paper}"\n{text}')
    return folder


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two folders of claims, in either layout, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOTTERY_STORE", str(tmp_path / "store"))
    return lay_out(tmp_path / "deep", "deep_2026"), lay_out(tmp_path / "flat", "flat_2026", flat=True)


def test_either_layout_is_a_folder_of_claims(folders):
    """Tests lie in `benchmarks/` or right beside `expected/`, where their entries are; either can be named itself."""
    deep, flat = folders
    assert (
        benchmarks_of(deep) == benchmarks_of(deep / "benchmarks") == deep / "benchmarks" and benchmarks_of(flat) == flat
    )
    assert expected_file(deep / "benchmarks" / "test_deep_2026.py") == deep / "expected" / "deep_2026.toml"
    assert expected_file(flat / "test_flat_2026.py") == flat / "expected" / "flat_2026.toml"
    assert holds_claims(flat) and holds_claims(deep / "benchmarks") and not holds_claims(deep)
    assert paper_of(Path("test_some_body_2026.py")) == paper_of(Path("some_body_2026.toml")) == "some_body2026"


@pytest.mark.parametrize(
    "files, message",
    [
        ([], "has no claims: there is no test_<paper>.py, nor one in benchmarks/; lottery new-claim mine_2026"),
        (["test_a.py"], "has no claims: test_a.py has no expected/a.toml, where its entries would be"),
        (["benchmarks/test_a.py", "expected/b.toml"], "benchmarks/test_a.py has no expected/a.toml"),
        (None, "there is no folder"),
    ],
)
def test_what_has_no_claims_is_one_message(tmp_path, files, message):
    """That says what is lacking, and how to begin."""
    folder = tmp_path / "some"
    for file in files or ():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("")
    if files == []:
        folder.mkdir()
    with pytest.raises(LotteryError) as caught:
        benchmarks_of(folder)
    assert message in str(caught.value) and str(folder) in str(caught.value)


def test_two_files_of_one_paper_cannot_be_told_apart(folders):
    """Neither their ids nor their tables could be; one file twice is no clash."""
    deep, flat = folders
    check_apart([deep / "benchmarks" / "test_deep_2026.py"] * 2 + [flat / "test_flat_2026.py"])
    with pytest.raises(LotteryError, match="both state claims of deep2026; rename one of them"):
        check_apart([deep / "benchmarks" / "test_deep_2026.py", flat / "test_deep2026.py"])


def test_lottery_run_runs_them_alone_unless_benchmarks_are_named(folders, monkeypatch):
    """Also where there is no folder of that name: it then is the package's, and an option's value names none."""
    ours = run.claims_folder()
    assert run.arguments(["--claims", "deep", "-n0"]) == [*run.PLUGIN, "--claims", "deep", "-n0"]
    given = run.arguments(["-k", "benchmarks", "--claims=deep", "benchmarks", "-n0"])
    assert given[-5:] == [str(ours), "-k", "benchmarks", "--claims=deep", "-n0"] and f"--rootdir={ours.parent}" in given
    monkeypatch.chdir(ours.parent)
    assert run.arguments(["benchmarks", "--claims=deep"]) == [*run.PLUGIN, "benchmarks", "--claims=deep"]


def run_claims(pytester, *arguments):
    """Return the outcome of a run in pytest's own process, its text, and the ids of the claims that it judged."""
    ran = pytester.runpytest_inprocess("-p", "lottery.plugin.hooks", *QUICKLY, "-n0", "--device=cpu", *arguments)
    text = ran.stdout.str() + ran.stderr.str()
    assert "Traceback" not in text and "INTERNALERROR" not in text, text
    judged = list(Path("results").glob("*/results.json"))
    report = json.loads((run_folder(Path("results")) / "results.json").read_text()) if judged else {"claims": []}
    return ran.ret, text, [result["id"] for result in report["claims"]]


def test_several_folders_in_one_run(pytester, folders, capsys):
    """Named with --claims they are run together, nothing else is, and each keeps its own baselines."""
    Path("test_else.py").write_text("def test_else():\n    raise ValueError\n")
    status, _, ids = run_claims(pytester, "--claims=deep", "--claims=flat", "--claims=flat")
    assert status == 0 and ids == ["deep2026.other[one]", "flat2026.other[one]"]
    assert main.main(["explain", "deep2026.other"]) == 0
    assert "lottery run -n auto --scale tiny --claims deep --claims flat" in capsys.readouterr().out
    assert main.main(["baseline", "results", "--claims", "flat"]) == 0
    assert [file.name for file in Path("flat/expected/baselines/tiny").iterdir()] == ["flat2026.csv"]
    assert main.main(["baseline", "results", "--claims", "nowhere"]) == 2
    assert "ERROR: --claims nowhere: there is no folder" in capsys.readouterr().err
    os.chdir("deep")
    assert main.main(["baseline", "../results"]) == 0
    assert [file.name for file in Path("expected/baselines/tiny").iterdir()] == ["deep2026.csv"]


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda: lay_out(Path("flat"), "deep_2026", flat=True), "both state claims of deep2026"),
        (lambda: [Path(folder, "__init__.py").touch() for folder in ("deep/benchmarks", "other/benchmarks")],
         "deep/benchmarks/__init__.py: another folder of claims is the package benchmarks, too"),
    ],
)  # fmt: skip
def test_folders_that_clash_are_one_message(pytester, folders, change, message):
    """Before anything is run."""
    lay_out(Path("other"), "other_2026")
    change()
    status, text, _ = run_claims(pytester, "--claims=deep", "--claims=flat", "--claims=other")
    assert status == pytest.ExitCode.USAGE_ERROR and text.count("ERROR: ") == 1 and message in text


def test_a_file_without_entries_fails_alone(pytester, folders):
    """Beside one that has them: its claims say which file is lacking."""
    lay_out(Path("deep"), "more_2026", entries=False)
    status, text, ids = run_claims(pytester, "--claims=deep", "--table")
    assert status == 1 and ids == ["deep2026.other[one]", "more2026.other[one]"]
    assert "expected/more_2026.toml does not exist" in text
