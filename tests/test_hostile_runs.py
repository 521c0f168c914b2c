"""Bad luck and bad will around a run: nothing is lost, nothing hangs, one message says what is wrong."""

import json
import os
import time
from pathlib import Path

import pytest

from lottery.claims.run_folders import RESULTS
from lottery.experiments import attempts
from lottery.plugin.progress import Reporter, died
from lottery.plugin.shared_folder import SharedFolder
from lottery.store.store import Store
from tests.test_plugin import ENTRIES, TESTS, _subprocess, error, results, shared_store, suite, verdicts

__all__ = ["shared_store", "suite"]  # fixtures

LEARNS = TESTS.partition("@claim(NET)\ndef test_hardly")[0]
OWN = (
    "@claim_per_criterion(NET)\ndef test_own(question, criterion):\n    return effect(accuracy(chain(criterion), 1))\n"
)
DEADLY = {"killed": "import os, signal\ndef score(w_final):\n{when}    os.kill(os.getpid(), signal.SIGKILL)\n",
          "exits": "import os\ndef score(w_final):\n{when}    os._exit(0)\n"}  # fmt: skip
LATER = "    if w_final.numel() < 500: return w_final\n"  # not on the layers on which a contract is checked
TWICE = """
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem, log=False)
"""


REPEATED = """
def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("step")
    metafunc.parametrize("step", range(2))
"""


def only_learning(suite):
    suite.write(tests=LEARNS + OWN, entries={name: ENTRIES[name] for name in ("learns", "own")})


def text_of(result):
    return result.stdout.str() + result.stderr.str()


def test_a_criterion_that_kills_its_process_fails_alone(suite):
    """Workers die of it, are replaced, and the run ends with everybody else's verdicts and the name of the guilty."""
    only_learning(suite)
    (suite.path / "bad.py").write_text(DEADLY["killed"].format(when=LATER))
    result = suite("-n2", "--criterion=bad=bad.py:score")
    assert result.ret == 1 and "INTERNALERROR" not in text_of(result), text_of(result)
    assert verdicts(suite) == {"learns": "reproduced"}
    own = results(suite)["criteria"][0]
    assert (
        own["verdict"] == "error" and "processes died while they computed" in own["reason"] and "bad" in own["reason"]
    )
    assert "they are tried again one by one" in text_of(result)


@pytest.mark.parametrize("where", ["import", "call"])
def test_a_criterion_cannot_end_the_process(suite, where):
    """os._exit(0) would end it with a status that says success."""
    only_learning(suite)
    (suite.path / "bad.py").write_text(
        DEADLY["exits"].format(when=LATER) if where == "call" else "import os\nos._exit(0)\n"
    )
    result = suite("-n0", "--criterion=bad=bad.py:score")
    if where == "import":
        assert "bad.py, line 2: EndedProcess: os._exit was called" in error(result)
    else:
        assert result.ret == 1 and verdicts(suite) == {"learns": "reproduced"}
        assert "ended the process: os._exit was called" in results(suite)["criteria"][0]["reason"]


@pytest.mark.parametrize("how, what", [("killed", "its process ended (signal 9)"), ("exits", "os._exit was called")])
def test_a_contract_is_checked_apart(suite, how, what):
    """What ends the process that checks it ends no other, and is told before anything is trained."""
    only_learning(suite)
    (suite.path / "bad.py").write_text(DEADLY[how].format(when=""))
    assert what in error(suite("-n2", "--criterion=bad=bad.py:score"))


def test_a_thread_that_is_left_is_refused(suite):
    """Python would wait for it for ever when the process ends."""
    only_learning(suite)
    left = "    threading.Thread(target=time.sleep, args=[9e6]).start()\n    return w_final\n"
    (suite.path / "bad.py").write_text(f"import threading, time\ndef score(w_final):\n{LATER}{left}")
    result = _subprocess(suite, "-n0", "--criterion=bad=bad.py:score")
    assert result.ret == 1 and "running; let it wait for its threads" in results(suite)["criteria"][0]["reason"]


def test_messages_of_others_are_shown_as_text(suite):
    """Terminal codes, line breaks, halves of surrogate pairs, HTML and bars."""
    only_learning(suite)
    raised = r'"\x1b[31mred\x1b[0m \ud800 <b>bold</b> | bar\rback"'
    (suite.path / "bad.py").write_text(f"def score(w_final):\n{LATER}    raise ValueError({raised})\n")
    result = suite("-n0", "--criterion=bad=bad.py:score")
    assert result.ret == 1 and "\x1b[31m" not in text_of(result)
    assert r"\x1b[31mred\x1b[0m \ud800 <b>bold</b> | bar" in results(suite)["criteria"][0]["reason"]
    assert r"&lt;b&gt;bold&lt;/b&gt; \| bar" in (suite.path / "results" / "latest" / "results.md").read_text()


class TestResults:
    def test_a_run_that_ends_badly_replaces_nothing(self, suite):
        """Interrupted before anything was judged it leaves no results; later it has a folder of its own."""
        only_learning(suite)
        suite()
        full = results(suite)
        stop = "def pytest_runtest_setup(item):\n    raise KeyboardInterrupt\n"
        suite.write(tests=LEARNS + OWN, entries={name: ENTRIES[name] for name in ("learns", "own")}, conftest=stop)
        assert _subprocess(suite, "-n0").ret == 2
        assert results(suite) == full and len(list((suite.path / "results").glob(f"*-tiny*/{RESULTS}"))) == 1

    def test_judging_twice_brings_the_same(self, suite):
        """As plugins do that run a failed test again: no measurement is lost."""
        once = suite("-n0", "--results=once")
        suite.write(conftest=TWICE)
        twice = suite("-n0", "--results=twice")
        assert once.ret == twice.ret == 0
        first, second = ((suite.path / name / "latest" / "measurements.csv.gz") for name in ("once", "twice"))
        assert first.read_bytes() == second.read_bytes()

    def test_a_claim_that_is_tested_twice_stands_once(self, suite):
        """As plugins do that repeat tests under other names."""
        once = suite("-n0", "--results=once")
        suite.write(conftest=REPEATED)
        twice = suite("-n0", "--results=twice")
        assert once.ret == twice.ret == 0 and "test_learns[1-lenet-300-100]" in text_of(suite("--collect-only", "-q"))
        first, second = (results(suite, name) for name in ("once", "twice"))
        assert [claim["id"] for claim in first["claims"]] == [claim["id"] for claim in second["claims"]]
        measured = [(suite.path / name / "latest" / "measurements.csv.gz").read_bytes() for name in ("once", "twice")]
        assert measured[0] == measured[1]

    def test_runs_of_one_second_have_folders_each(self, suite):
        """However many there are in one folder; `latest` leads to one of them."""
        only_learning(suite)
        running = [suite.path / "results" for _ in range(3)]
        for _ in running:
            suite("-n0")
        folders = [folder for folder in running[0].iterdir() if not folder.is_symlink()]
        assert len(folders) == 3 and {*folders[0].iterdir()} and (running[0] / "latest").resolve() in folders

    def test_home_is_meant_by_a_tilde(self, suite, monkeypatch, tmp_path):
        """In options and in the environment alike."""
        only_learning(suite)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("LOTTERY_STORE", "~/store")
        assert suite("-n0", "--results=~/results").ret == 0
        assert (tmp_path / "home" / "results" / "latest").exists() and Store(tmp_path / "home" / "store").keys()
        assert not (suite.path / "~").exists()

    def test_every_terminal_shows_the_table(self, suite, monkeypatch):
        """In ASCII it has as many lines as elsewhere, without accents."""
        only_learning(suite)
        monkeypatch.setenv("PYTHONIOENCODING", "ascii")
        result = _subprocess(suite, "-n0")
        assert result.ret == 0
        result.stdout.fnmatch_lines(["claim *verdict*", "- 1 * learns?lenet-300-100?*reproduced (analogue)*"])


class TestOptions:
    def test_an_internal_error_stays_one(self, suite):
        """However good the verdicts are."""
        entries = {name: ENTRIES[name] for name in ("learns", "own")}
        broken = "def pytest_runtest_logfinish(nodeid):\n    raise RuntimeError('broken')\n"
        suite.write(tests=LEARNS + OWN, entries=entries, conftest=broken)
        assert suite("-n0").ret == 3

    @pytest.mark.parametrize("option", ["--setup-plan", "--setup-only"])
    def test_showing_fixtures_trains_nothing(self, suite, option):
        """And reports nothing."""
        only_learning(suite)
        result = suite("-n0", option, "--store=empty")
        assert result.ret == 0 and not (suite.path / "empty").exists() and not (suite.path / "results").exists()

    def test_the_first_failure_ends_a_run_alike_with_workers(self, suite):
        """-x is no interruption."""
        entries = {"hardly": ENTRIES["hardly"].replace("[-inf, 50]", "[50, inf]"), "learns": ENTRIES["learns"]}
        suite.write(tests=TESTS.partition("@claim(NET)\ndef test_control")[0], entries=entries)
        found = [suite(workers, "-x") for workers in ("-n0", "-n1")]
        assert [result.ret for result in found] == [1, 1], [text_of(result) for result in found]
        assert not any("interrupted:" in text_of(result) for result in found)

    def test_number_of_workers_from_the_environment(self, suite, monkeypatch):
        """pytest-xdist's own variable counts for claims, too."""
        only_learning(suite)
        monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "1")
        result = _subprocess(suite, "-nauto")
        assert result.ret == 0 and "1 worker" in text_of(result)

    def test_no_home_is_one_message(self, suite, monkeypatch):
        """It says what to set instead."""

        def homeless():
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", staticmethod(homeless))
        for name in ("LOTTERY_STORE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        assert "set LOTTERY_STORE" in error(suite("-n0"))

    def test_the_clock_may_be_set_back(self, suite, monkeypatch):
        """Seconds and the budget are those of a clock that nobody sets."""
        only_learning(suite)
        times = iter(range(2 * 10**9, 0, -1000))
        monkeypatch.setattr(time, "time", lambda: float(next(times)))
        assert suite("-n0", "--budget=1h").ret == 0
        assert verdicts(suite) == {"learns": "reproduced"} and 0 < results(suite)["seconds"] < 600

    @pytest.mark.parametrize("what", ["nothing in common", "no claims"])
    def test_a_baseline_that_checks_nothing_is_not_green(self, suite, what):
        """Neither one of other claims nor one without any."""
        only_learning(suite)
        suite("-n0", "--results=before")
        file = suite.path / "before" / "latest" / RESULTS
        report = json.loads(file.read_text())
        for claim in report["claims"]:
            claim["id"] = claim["id"].replace("learns", "other")
        file.write_text(json.dumps(report if what != "no claims" else report | {"claims": []}))
        result = suite("-n0", "--baseline=before")
        assert result.ret == 1 and "nothing was compared with the baseline" in text_of(result)


class TestDisplay:
    """What whoever waits for a run sees."""

    def test_what_a_worker_died_of_is_told(self, tmp_path):
        """Only while it computes; afterwards it died of something else."""
        shared = SharedFolder(str(tmp_path / "run"))
        reporter = Reporter(shared, "gw0", parent=os.getppid())
        reporter.attempts.begin({"k1": "net, arm", "k2": "net, arm"})
        reporter.attempts.end()
        assert died(shared, "gw0") == []
        reporter.attempts.begin({"k1": "net, arm", "k2": "net, other"})
        assert died(shared, "gw0") == ["net, arm", "net, other"] and died(shared, "gw0") == []
        assert attempts.suspects(reporter.attempts.deaths()) == {"k1", "k2"}
