"""What a user gave is registered once, rehearsed where a run begins, and forgotten after it."""

from types import SimpleNamespace

import pytest

from lottery.core.errors import LotteryError
from lottery.plugin import registration
from lottery.plugin.registration import MODULES, register


@pytest.fixture
def config(monkeypatch):
    """A command line with two criteria and a network; what was done with them stands in `done`."""
    given = dict.fromkeys(MODULES, ()) | {"criterion": ["one=a.py:f", "two=a.py:f"], "network": ["net=a.py:g"]}
    done: list[str] = []
    module = SimpleNamespace(load=lambda option: option.partition("=")[0], forget=done.append)
    monkeypatch.setattr(registration.options, "own", lambda config, kind: given[kind])
    monkeypatch.setattr(registration, "importlib", SimpleNamespace(import_module=lambda name: module))
    monkeypatch.setattr(registration, "_rehearsed", lambda kind, module, option: [f"{kind} {option}"])
    return SimpleNamespace(given=given, done=done, cleanups=(cleanups := []), add_cleanup=cleanups.append)


def test_what_begins_the_run_rehearses(config):
    """Criteria and treatments, which are called before anything is trained; a worker need not."""
    assert register(config, rehearse=True) == ["criterion one=a.py:f", "criterion two=a.py:f"]
    assert register(config, rehearse=False) == []


def test_everything_is_forgotten_with_the_configuration(config):
    """So that another run in this process begins with nothing."""
    register(config, rehearse=False)
    for cleanup in config.cleanups:
        cleanup()
    assert config.done == ["one", "two", "net"]


def test_a_name_is_given_once(config):
    """Of each kind."""
    config.given["criterion"] += ["one=b.py:h"]
    with pytest.raises(LotteryError, match="--criterion one=b.py:h: 'one' is given twice"):
        register(config, rehearse=False)
