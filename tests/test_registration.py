"""What a user gave is registered once, rehearsed where a run begins, and forgotten after it."""

from types import SimpleNamespace

import pytest

from lottery.core import apart
from lottery.core.errors import LotteryError
from lottery.experiments import own_datasets
from lottery.masks import own_criteria, own_treatments
from lottery.plugin import registration
from lottery.plugin.hooks import NAME
from lottery.plugin.registration import MODULES, register
from lottery.plugin.run import Run

DRAWN = """import numpy as np
def data():
    part = np.random.default_rng({}).random((4, 2)), np.arange(4) % 2
    return dict.fromkeys(("train", "validation", "test"), part)
"""


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


def test_a_treatments_remarks_are_its_own(load_source, monkeypatch, tmp_path):
    """And not those of a criterion of the same name."""
    monkeypatch.setattr(apart, "apart", lambda work: work())
    load_source(own_criteria, "def score(w_final):\n    return w_final\n", "mine", "score")
    (tmp_path / "other.py").write_text("import torch\ndef start(w_init):\n    return torch.randn_like(w_init)\n")
    remarks = registration._rehearsed("treatment", own_treatments, f"mine={tmp_path / 'other.py'}:start")
    own_treatments.forget("mine")
    assert len(remarks) == 1 and remarks[0].startswith("treatment 'mine': it draws from global random numbers")


@pytest.fixture
def configured(pytester, tmp_path):
    """A function that returns pytest's configuration of a run on points of a source."""

    def configured(source):
        (tmp_path / "points.py").write_text(source)
        return pytester.parseconfigure(
            "-p", "lottery.plugin.hooks", f"--lottery-dataset=p={tmp_path / 'points.py'}:data"
        )

    yield configured
    own_datasets.forget("p")


def test_data_are_read_twice_before_a_run_begins(configured):
    """Where they differ, it does not begin."""
    with pytest.raises(pytest.UsageError, match="--dataset p=.*: data set 'p' returns other images or labels when it"):
        configured(DRAWN.format(""))


def test_a_worker_gives_up_where_it_reads_other_data_than_its_controller(configured):
    """Which tells it what to expect."""
    config = configured(DRAWN.format(0))
    controller, node = config.pluginmanager.get_plugin(NAME), SimpleNamespace(workerinput={})
    controller.pytest_configure_node(node)
    assert list(node.workerinput["lottery_data"]) == ["p"]
    own_datasets.forget("p")
    config.workerinput = node.workerinput
    assert Run(config).error == ""
    own_datasets.forget("p")
    config.workerinput |= {"lottery_data": {"p": "other"}}
    assert "data set 'p' differs from process to process of this run" in Run(config).error
