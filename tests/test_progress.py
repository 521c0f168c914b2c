"""Live progress: one line of 80 columns whatever there is to say, and a time left that the plan and the budget know."""

import io
import random
from types import SimpleNamespace

import pytest

from lottery.experiments.arms import DENSE
from lottery.experiments.batch import Batch
from lottery.experiments.experiment import experiment
from lottery.experiments.scales import SCALES
from lottery.plugin import progress
from lottery.plugin.progress import Readiness, Reporter, left_over, of_workers, time_left, told, under_budget
from lottery.plugin.session import Options, Session
from lottery.plugin.shared_folder import SharedFolder
from lottery.training.config import Config, Setting

SETTING = Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, 100, 10))
NETWORKS = [experiment(SETTING, DENSE, 0, seed) for seed in range(4)]


def state(**changes):
    """Return what a worker leaves."""
    default = {"planned": 1000, "finished": 0, "running": 0, "text": "training", "seconds": 100.0, "spent": 0.0}
    return default | {"spending": 0.0, "claims": 10, "ready": 2, "ends": None} | changes


@pytest.fixture
def shared(tmp_path):
    return SharedFolder(str(tmp_path / "run"))


class TestLine:
    def test_it_fits_80_columns(self):
        """For a second or a month, ten steps or a trillion, one claim or thousands."""
        draw = random.Random(0)
        for _ in range(500):
            planned, seconds = 10 ** draw.uniform(0, 12), 10 ** draw.uniform(-1, 6.5)
            claims, spent = int(10 ** draw.uniform(0, 4)), draw.uniform(0, 1.2) * seconds
            one = state(planned=int(planned), finished=int(draw.uniform(0, planned)), seconds=seconds, spent=spent)
            one |= {"claims": claims, "ready": draw.randrange(claims + 1), "ends": draw.choice([None, 5.0, 1e5])}
            line = told([one] * draw.randrange(1, 65), 10 ** draw.uniform(0, 6), 0.0)
            assert len(line) <= 80 and "…" not in line, line

    def test_what_it_says(self):
        """The share of the planned time, claims, steps, and the time left: of two workers, as it was planned."""
        states = [state(finished=400, spent=40.0), state(running=100, spending=10.0, ready=3)]
        line = told(states, 25.0, 0.0)
        assert line == "training  50%, 3/10 claims ready, 0.5/1.0 k steps, about 25.0 s left"

    def test_nothing_is_planned_yet(self, shared):
        """Neither is a worker that has told nothing an error, nor one whose plan is empty."""
        assert told([], 1.0, 0.0).startswith("training 100%, 0/0 claims ready")
        assert told([state(planned=0, seconds=0.0)], 1.0, 0.0).endswith("about 0.0 s left")


class TestTimeLeft:
    def test_it_is_the_plans_at_first(self):
        """Shared among the workers, however slow the first seconds were."""
        assert time_left([state(), state()], 0.0) == pytest.approx(50.0)
        assert time_left([state()], 5.0) < 2 * 100.0

    def test_it_follows_what_was_seen(self):
        """Where everything takes three times as long as planned, the rest does so, too."""
        assert time_left([state(seconds=1e5, spent=5e4)], 1.5e5) == pytest.approx(1.5e5, rel=1e-3)

    def test_the_budget_caps_it(self):
        """Nobody waits for longer."""
        assert told([state(ends=130.0)], 0.0, 100.0).endswith("budget over in 30.0 s")
        assert told([state(ends=300.0)], 0.0, 100.0).endswith("about 100.0 s left")
        assert told([state(ends=50.0)], 0.0, 100.0).endswith("budget over in 0.0 s")


class TestReporter:
    def test_it_counts_planned_seconds(self, shared):
        """Of the batch in progress as far as it is, of finished ones whole; other workers' experiments are theirs."""
        reporter = Reporter(shared, "gw0")
        done = set()
        prices = dict.fromkeys(NETWORKS[:3], 10.0)
        reporter.begin({"a": NETWORKS[:2], "b": NETWORKS[:3], "c": []}, prices, done.__contains__, ends=77.0)
        reporter.watch(Batch(NETWORKS[:2], 0))
        reporter._last = float("-inf")
        reporter.watch(Batch(NETWORKS[:2], 25))
        (found,) = shared.found(progress.PROGRESS)
        assert (found["seconds"], found["spending"], found["running"]) == (30.0, 5.0, 50)
        assert (found["claims"], found["ready"], found["planned"], found["ends"]) == (3, 1, 300, 77.0)
        done |= set(NETWORKS[:2])
        reporter.finish(200)
        (found,) = shared.found(progress.PROGRESS)
        assert (found["spent"], found["spending"], found["running"], found["ready"]) == (20.0, 0.0, 0, 2)

    def test_what_is_left_is_what_the_last_worker_says(self, shared):
        """Others may have ended before it computed more."""
        Reporter(shared, "gw0").end({"budget": 40.0, "reduced": 7.0})
        Reporter(shared, "gw1").end({"budget": 30.0})
        assert left_over(shared) == {"budget": 30.0, "reduced": 7.0}

    def test_a_budget_that_was_not_enough_says_what_it_got(self, shared):
        """Networks of all workers together; else what the time went to, by the worker that had most of it left."""
        Reporter(shared, "gw0").end({}, 0, 12.0)
        Reporter(shared, "gw1").end({}, 0, -3.0)
        told = under_budget(shared, 60.0)
        assert "computed no network: starting, judging and reporting take 48.0 s of the budget of 60.0 s here" in told
        Reporter(shared, "gw1").end({}, 1, -3.0)
        assert "this run computed 1 network, and all of it is kept" in under_budget(shared, 60.0)
        Reporter(shared, "gw0").end({}, 1200, 12.0)
        assert "this run computed 1,201 networks, and" in under_budget(shared, 60.0)


def test_readiness_asks_each_claim_for_what_it_lacks_first():
    """A claim is ready when all of it is done, whoever did it; what was found is not asked for again."""
    done, asked = {1, 2}, []
    ready = Readiness({"a": [1, 2], "b": [1, 3], "c": []}, lambda one: asked.append(one) or one in done)
    assert (ready.count(), len(ready)) == (2, 3)
    done.add(3)
    assert ready.count() == 3
    asked.clear()
    assert ready.count() == 3 and not asked


def test_few_workers_have_lines():
    """Four, each cut to the width, and the number of the others."""
    lines = of_workers([(f"gw{index}", state(text="x" * 200)) for index in range(9)], 80)
    assert len(lines) == 5 and max(map(len, lines)) == 80 and lines[-1] == "  and 5 more workers"
    assert of_workers([(f"gw{index}", state(text="x")) for index in range(5)], 80)[-1] == "  and 1 more worker"
    assert of_workers([("gw0", state(text=""))], 80) == []


def test_a_line_a_minute_without_a_terminal(shared, monkeypatch):
    """How far it is, and who is waited for; the clock is the test's."""
    shared.leave(progress.PROGRESS, "gw0", state(finished=400, spent=40.0))
    shared.leave(progress.PROGRESS, "gw1", state(text="waiting for 3 experiments of another process"))
    waits, out, clock = [], io.StringIO(), SimpleNamespace(now=500.0)

    class Ended:
        """An event that comes after two minutes."""

        def wait(self, seconds):
            waits.append(seconds)
            clock.now += seconds
            return len(waits) == 4

        def set(self):
            """Do nothing."""

    monkeypatch.setattr(progress.time, "monotonic", lambda: clock.now)
    display = progress.Display(shared, out, live=False, ended=Ended())
    display.stop()
    lines = out.getvalue().splitlines()
    assert waits == [progress.EVERY, 60.0, 60.0, 60.0] and len(lines) == 4
    assert lines[0].startswith("training  40%, 2/10 claims ready, 0.4/1.0 k steps, about")
    assert lines[1] == lines[3] == "waiting for 3 experiments of another process"


def test_what_a_scale_skips_is_not_among_the_claims(shared, tmp_path, monkeypatch):
    """Nothing is computed for it, nor for what is broken: it would count as ready from the start."""
    asked = {
        name: SimpleNamespace(skip=skip, error=error, all_experiments=wanted)
        for name, skip, error, wanted in [
            ("asked", "", "", NETWORKS),
            ("exact", "", "", ()),
            ("skipped", "too large", "", ()),
            ("broken", "", "no entry", ()),
        ]
    }
    idle = SimpleNamespace(seconds=lambda one: 1.0, tidy=lambda: None, plans={})
    worker = SimpleNamespace(
        device="cpu", speeds=idle, store=idle, has=lambda one: False, work=lambda *given: None, computed=0,
        needs=lambda wanted: {name: set(of) for name, of in wanted.items()},
    )  # fmt: skip
    session = Session(Options(SCALES["tiny"], tmp_path, "cpu", "float32"), {}, asked=asked)
    monkeypatch.setattr(session, "_worker", lambda workers, reporter: worker)
    monkeypatch.setattr(session, "_costs", lambda workers, before: {})
    session.train(1, Reporter(shared, "main"))
    (left,) = shared.found(progress.PROGRESS)
    assert (left["ready"], left["claims"]) == (1, 2)
