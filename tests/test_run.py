"""`lottery run`: which claims it finds from which folder, and what it tells pytest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lottery.cli import main, run

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with a claim file and its entries, and other tests beside them."""
    monkeypatch.chdir(tmp_path)
    for file in ("benchmarks/test_mine_2026.py", "expected/mine_2026.toml", "tests/test_other.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("")
    return tmp_path


def test_claims_of_the_checkout_come_first(checkout):
    """Those of the folder one stands in, by a relative path, so that its own settings of pytest count."""
    assert run.arguments(["-k", "learns"]) == [*run.PLUGIN, "benchmarks", "-k", "learns"]


def test_elsewhere_the_package_has_claims(tmp_path, monkeypatch):
    """With no settings but the suite's own, and pytest's cache in the folder one stands in."""
    monkeypatch.chdir(tmp_path)
    given, folder = run.arguments(["-n0"]), run.claims_folder()
    assert folder.is_absolute() and list(folder.glob("test_*.py")) and given[-2:] == [str(folder), "-n0"]
    assert given[given.index("-c") + 1] == os.devnull and f"--rootdir={folder.parent}" in given
    assert f"cache_dir={tmp_path / '.pytest_cache'}" in given


def test_a_folder_without_entries_is_not_taken_for_claims(tmp_path, monkeypatch):
    """Somebody else's benchmarks are not run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "test_speed.py").write_text("")
    assert run.claims_folder().is_absolute()


@pytest.mark.parametrize(
    "named", ["benchmarks", "benchmarks/test_mine_2026.py", "benchmarks/test_mine_2026.py::test_a"]
)
def test_claims_that_are_named_are_run_alone(checkout, named):
    """A folder, a file or a test of claims takes the place of all of them; other tests do not."""
    assert run.arguments([named, "-q"]) == [*run.PLUGIN, named, "-q"]
    assert "benchmarks" in run.arguments(["tests/test_other.py"])


@pytest.mark.parametrize(
    "option",
    [
        ["--deselect", "{}::test_a"],
        ["--ignore", "{}"],
        ["-k", "{}"],
        ["--results", "{}"],
        ["-n", "benchmarks"],
        ["--maxfail", "{}"],
    ],
)
def test_what_belongs_to_an_option_names_no_claims(checkout, option):
    """Whichever plugin the option is of, and whether its value could be read; claims beside it are found."""
    given = [part.format("benchmarks/test_mine_2026.py") for part in option]
    assert run.arguments(given)[len(run.PLUGIN) :] == ["benchmarks", *given]
    if option[0] not in ("-n", "--maxfail"):
        assert run.arguments([*given, "benchmarks"])[len(run.PLUGIN) :] == [*given, "benchmarks"]
        assert run.arguments(["benchmarks", *given])[len(run.PLUGIN) :] == ["benchmarks", *given]


def test_plan_adds_what_a_plan_needs(checkout, monkeypatch):
    """`lottery plan` is `lottery run` in one process that trains nothing, and its exit status is pytest's."""
    told = []
    monkeypatch.setattr(pytest, "main", lambda given, plugins: told.append(given) or pytest.ExitCode.TESTS_FAILED)
    assert main.main(["plan", "--scale=tiny"]) == 1
    assert told[0][-4:] == ["--plan", "-n0", "-q", "--scale=tiny"]


def test_the_package_is_a_command(tmp_path):
    """`python -m lottery` is `lottery`."""
    command = [sys.executable, "-m", "lottery", "--help"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0 and all(name in done.stdout for name in ("run", "plan", "report", "baseline", "store"))
