"""Criteria of installed packages: chosen by name and never by themselves, and named by all that they are made of."""

import importlib.metadata
import sys

import pytest

from lottery.cli.run import help_text
from lottery.core.errors import LotteryError
from lottery.masks import installed_criteria, own_criteria
from lottery.masks.criteria import CRITERIA
from tests.own_criteria_helpers import W_FINAL, scored

MODULE = "from packaged_criteria.helper import of\ndef score(w_final):\n    return of(w_final)\nnone = 3\n"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that installs a package with criteria, and one that does so with another version or source of it."""
    monkeypatch.syspath_prepend(tmp_path)

    def lay_out(
        helper="abs()", version="1.0", entries="mine = packaged_criteria.scores:score", package="packaged-criteria"
    ):
        for name in [name for name in sys.modules if name.startswith("packaged_criteria")]:
            monkeypatch.delitem(sys.modules, name)
        (tmp_path / "packaged_criteria").mkdir(exist_ok=True)
        for file, source in {
            "__init__": "",
            "scores": MODULE,
            "helper": f"def of(w):\n    return w.{helper}\n",
        }.items():
            (tmp_path / "packaged_criteria" / f"{file}.py").write_text(source)
        about = tmp_path / f"{package.replace('-', '_')}-1.dist-info"
        about.mkdir(exist_ok=True)
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\nRequires-Dist: numpy>=1\n"
        )
        (about / "entry_points.txt").write_text(f"[lottery.criteria]\n{entries}\n")
        importlib.invalidate_caches()

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield lay_out
    own_criteria.forget("mine")


def loaded():
    """Return what names the results of the installed criterion."""
    own_criteria.forget("mine")
    assert own_criteria.load("mine") == "mine"
    return own_criteria.FINGERPRINTS["mine"]


def test_none_is_there_before_it_is_asked_for(install):
    """What is installed is listed, and neither imported nor registered."""
    install()
    assert list(installed_criteria.installed()) == ["mine"] and "mine" not in CRITERIA
    assert installed_criteria.told() == "mine (packaged-criteria 1.0)" and "mine (packaged-criteria 1.0)" in help_text()
    assert "packaged_criteria" not in sys.modules
    assert installed_criteria.expanded(["movement"]) == ["movement"]
    assert installed_criteria.expanded(["movement", "all-installed"]) == ["movement", "mine"]


def test_it_scores_and_is_forgotten(install):
    """Under its name, with imports within its package."""
    install()
    loaded()
    assert scored() == W_FINAL[0].abs().tolist()
    own_criteria.forget("mine")
    assert "mine" not in CRITERIA and "mine" not in own_criteria.FINGERPRINTS


def test_all_sources_and_versions_count(install):
    """An edit of any module of the package, as of an editable installation, and another version, and nothing else."""
    install()
    first = loaded()
    assert loaded() == first
    install(helper="neg()")
    second = loaded()
    install(version="1.1")
    assert len({first, second, loaded()}) == 3
    install()
    assert loaded() == first and '"numpy"' in first


@pytest.mark.parametrize(
    "entries, message",
    [
        (
            "mine = packaged_criteria.nowhere:score",
            "importing packaged_criteria.nowhere:score raised ModuleNotFoundError",
        ),
        ("mine = packaged_criteria.scores:nothing", "raised AttributeError"),
        ("mine = packaged_criteria.scores:none", "is of type int, and not a function"),
    ],
)
def test_a_broken_one_is_one_message(install, entries, message):
    """With the option and where it points to."""
    install(entries=entries)
    with pytest.raises(LotteryError, match=f"--criterion mine: .*{message}"):
        own_criteria.load("mine")


def test_names_are_no_ones_twice(install):
    """Two packages with one name, or one with a name of the suite's, are told apart by a message."""
    install(entries="mine = packaged_criteria.scores:score\nmovement = packaged_criteria.scores:score")
    with pytest.raises(LotteryError, match="an installed package and the suite have criteria of this name"):
        own_criteria.load("movement")
    install(entries="mine = packaged_criteria.helper:of", package="other-criteria")
    with pytest.raises(LotteryError, match="several installed packages offer 'mine': other-criteria 1.0, packaged-cri"):
        own_criteria.load("mine")


def test_names_of_the_suite_and_typos():
    """One of the suite's own is chosen by its name and stays when it is forgotten; a typo has near names."""
    assert own_criteria.load("movement") == "movement"
    own_criteria.forget("movement")
    assert "movement" in CRITERIA
    with pytest.raises(LotteryError, match="'movment' is none; did you mean movement"):
        own_criteria.load("movment")
    with pytest.raises(LotteryError, match="no installed package offers criteria"):
        installed_criteria.expanded(["all-installed"])
