"""The engine's version is declared, not computed: this reminds whoever edits the engine to think about it."""

import ast
import inspect

import pytest

from lottery.core import checkout
from lottery.experiments import engine, own_datasets
from lottery.models.initialisers import INITIALISERS
from lottery.plugin import work
from lottery.store.fingerprints import _visit, source_digest
from lottery.training import fit

EDITED = " M lottery/training/fit.py\n"


def test_version_was_confirmed_for_this_source():
    """If an edit can change a result, raise `fit.VERSION`, so that nothing old is reused; then confirm it there."""
    assert (fit.VERSION, source_digest(*engine.engine())) == engine.CONFIRMED


def test_the_digest_is_the_same_in_every_process(monkeypatch):
    """What else was imported, or is a user's own, is no part of it, and it lies in the folders that a run looks at."""
    imports = [node for node in ast.parse(inspect.getsource(engine)).body if isinstance(node, ast.Import)]
    assert "lottery.experiments.all_parts" in [name.name for node in imports for name in node.names]
    before = engine.engine()
    monkeypatch.setitem(own_datasets.catalogue.DATASETS, "mine", own_datasets._reader("mine", lambda: {}))
    monkeypatch.setitem(INITIALISERS, "mine", lambda layer, generator: None)
    assert engine.engine() == before
    seen = {}
    for function in before:
        _visit(function, seen)
    assert not [name for name, text in seen.items() if ":" in name and text in ("{}", "[]", "()")]
    assert {"/".join(name.split(".")[:2]) for name in seen} <= set(work.WINGS)


@pytest.fixture
def working(monkeypatch):
    """A function that returns a process's work in a checkout of which git says this, with a worker or without."""

    def make(said, worker=True):
        monkeypatch.setattr(checkout, "_git", lambda *words: said)
        session = type("Session", (), {"worker": object() if worker else None})()
        return work.Work(None, session, None)

    return make


def test_a_run_in_an_edited_checkout_says_that_its_engine_is_another(working, monkeypatch):
    """Since its results are in the store under a version that was not raised; raising that is one way, and is told."""
    assert working(EDITED)._of_the_engine() == []
    for confirmed in ((engine.CONFIRMED[0], "another source"), (engine.CONFIRMED[0] - 1, engine.CONFIRMED[1])):
        monkeypatch.setattr(engine, "CONFIRMED", confirmed)
        (told,) = working(EDITED)._of_the_engine()
        assert f"not the one confirmed for its version {fit.VERSION} " in told and "until VERSION in" in told
    assert working("")._of_the_engine() == []  # what is committed, a test has looked at
    assert working(EDITED, worker=False)._of_the_engine() == []  # nothing was trained or read
