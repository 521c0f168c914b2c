"""The plugin in an environment where the suite is installed: in its own runs, and in the runs of other people."""

import importlib.util
import shutil
import subprocess
import sys
import tomllib
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from tests.test_plugin import ENTRIES, ROOT

# Runs pytest as on a machine with a GPU, and says what it left imported.
RUN = """
import sys
import lottery.core.machine
lottery.core.machine.shows_gpu = lambda: True
import pytest
status = pytest.main(sys.argv[1:])
heavy = {"torch", "numpy", "lottery.claims.claim", "lottery.experiments.scales"}
print("imported:", sorted(heavy & set(sys.modules)))
sys.exit(status)
"""
TESTS = """
from lottery.claims.claim import claim, exact

@claim(cases={"small": (2, 2), "large": (3, 3)})
def test_counts(question, computed, printed):
    return exact(lambda: computed, printed)
"""


@pytest.fixture(params=["installed", "not installed"])
def path(request, tmp_path):
    """PYTHONPATH of an environment with the package, with the entry points that an installation writes or without."""
    if request.param == "not installed":
        return str(ROOT)
    return _installed(tmp_path)


@pytest.fixture
def installed(tmp_path):
    """PYTHONPATH of an environment with the package and its entry points."""
    return _installed(tmp_path)


@pytest.fixture
def checkout(tmp_path):
    """A folder with claims, and a conftest.py that asks for the plugin."""
    for name, text in {
        "conftest.py": 'pytest_plugins = ["lottery.plugin.hooks"]\n',
        "benchmarks/test_mini_2020.py": TESTS,
        "expected/mini_2020.toml": 'title = "Mini 2020"\n' + ENTRIES["small"] + ENTRIES["large"],
    }.items():
        file = tmp_path / "checkout" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "checkout"


def _installed(folder):
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    # a version of its own: metadata of an installation that has no such entry points must not stand for this one
    information = folder / "site" / "lottery_probe-1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: lottery-probe\nVersion: 1\n")
    lines = [f"{name} = {module}" for name, module in named.items()]
    (information / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines, ""]))
    return f"{information.parent}:{ROOT}"


@pytest.mark.parametrize(
    "asked, refused", [("benchmarks", True), ("benchmarks/test_a.py::test_b", True), (".", True), ("../mine", False)]
)
def test_another_checkout_is_not_tested_but_may_hold_what_an_option_names(tmp_path, asked, refused):
    """Pytest loads the conftest.py of a checkout, too, whose results are only compared with."""
    other = tmp_path / "other"
    other.mkdir()
    copied = shutil.copy(ROOT / "conftest.py", other)
    spec = importlib.util.spec_from_file_location("conftest_of_another_checkout", copied)
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    config = SimpleNamespace(args=[asked], invocation_params=SimpleNamespace(dir=other))
    with pytest.raises(pytest.UsageError, match="run python -m pytest here") if refused else nullcontext():
        conftest.pytest_configure(config)


COUNTED = "AS EXPECTED  2 of 2 tests answered"


def _run(folder, path, monkeypatch, *arguments):
    """Run pytest in a folder; return its status and what it said."""
    monkeypatch.setenv("PYTHONPATH", path)
    command = [sys.executable, "-c", RUN, "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_checkout_registers_the_plugin_once(checkout, path, monkeypatch):
    """A conftest.py that asks for the plugin works with and without an installation."""
    status, said = _run(checkout, path, monkeypatch, "benchmarks", "-n0", "-k", "counts", "--scale", "tiny")
    assert status == 0 and COUNTED in said, said


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_installation_needs_no_conftest(checkout, installed, monkeypatch, workers):
    """Claims anywhere are judged, and wrong options found, whether workers are involved or not."""
    (checkout / "conftest.py").unlink()
    status, said = _run(checkout, installed, monkeypatch, "benchmarks", workers, "-k", "counts", "--results=there")
    assert status == 0 and COUNTED in said and (checkout / "there" / "latest" / "results.json").exists(), said
    status, said = _run(checkout, installed, monkeypatch, "benchmarks", workers, "--device=abacus")
    assert status == 4 and said.count("ERROR: --device abacus: write auto") == 1, said


def test_help_names_the_options_and_imports_nothing_heavy(installed, tmp_path, monkeypatch):
    """--help is quick in every environment that has the suite, a GPU in sight or not."""
    status, said = _run(tmp_path, installed, monkeypatch, "--help")
    assert status == 0 and "--criterion" in said and "imported: []" in said, said


class TestOtherPeople:
    """A project that happens to live in an environment with the suite, in circumstances that would harm claims."""

    @pytest.fixture
    def project(self, tmp_path, monkeypatch):
        monkeypatch.setenv("LOTTERY_SCALE", "vast")
        folder = tmp_path / "project"
        (folder / "benchmarks").mkdir(parents=True)
        (folder / "results").write_text("a file where claims would want a folder")
        (folder / "benchmarks" / "test_speed.py").write_text("def test_speed():\n    pass\n")
        return folder

    def test_nothing_is_imported_or_checked(self, project, installed, monkeypatch):
        """No scale, device or folder is looked at, and nothing heavy is imported."""
        status, said = _run(project, installed, monkeypatch)
        assert status == 0 and "1 passed" in said and "imported: []" in said, said

    def test_n_auto_means_what_xdist_says(self, project, installed, monkeypatch):
        """A folder named benchmarks is not enough to change it."""
        monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "3")
        status, said = _run(project, installed, monkeypatch, "benchmarks", "-n", "auto")
        assert status == 0 and "3 workers" in said, said

    def test_an_option_of_the_same_name_is_theirs(self, project, installed, monkeypatch):
        """Their --device works; who runs claims there is told the names that begin with --lottery."""
        own = "def pytest_addoption(parser):\n    parser.addoption('--device', choices=['lamp'])\n"
        (project / "conftest.py").write_text(own)
        status, said = _run(project, installed, monkeypatch, "--device=lamp")
        assert status == 0, said
        claims = ("--device=lamp", "--pyargs", "lottery.benchmarks", "-k", "law", "--lottery-scale=tiny")
        status, said = _run(project, installed, monkeypatch, *claims, "--lottery-device=abacus", "--lottery-results=r")
        assert status == 4 and "--device abacus: write auto" in said, said
        status, said = _run(project, installed, monkeypatch, *claims, "--collect-only", "--lottery-results=r")
        told = "--device belongs to another plugin or conftest.py here; for claims, use --lottery-device"
        assert status == 0 and told in said, said
