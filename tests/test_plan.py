"""Planning: the cheapest claims first, what is shared paid once, and nothing forgotten."""

import random
from dataclasses import replace
from types import SimpleNamespace

import pytest

from lottery.core.errors import LotteryError
from lottery.experiments import calibration, plan
from lottery.experiments import worker as worker_module
from lottery.experiments.arms import DENSE
from lottery.experiments.calibration import Speed
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import chain, multishot, scores_sought, whole
from lottery.experiments.scales import PLANTED, PLANTED_SCORES, SCALES
from lottery.experiments.speeds import MEASURED, Speeds
from lottery.experiments.worker import Worker
from lottery.plugin import session as session_module
from lottery.plugin.session import Options, Session
from lottery.store.store import Store
from lottery.training.config import Config, Setting

SETTING = Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, 30, 10))


def networks(arm, rounds, seeds=2, setting=SETTING):
    return {experiment(setting, arm, round, seed) for round in rounds for seed in range(seeds)}


def test_cheapest_first_pays_what_is_shared_once():
    """A claim on top of another's networks costs only what it adds, and moves up for it."""
    needs = {
        "long chain": networks(DENSE, [0]) | networks(chain("large_final"), range(1, 6)),
        "dense": networks(DENSE, [0]),
        "another chain": networks(DENSE, [0]) | networks(chain("movement"), range(1, 4)),
        "on the long chain": networks(DENSE, [0]) | networks(chain("large_final"), range(1, 7)),
        "nothing": set(),
    }
    order = plan.cheapest_first(needs)
    assert [claim for claim, _ in order] == ["nothing", "dense", "another chain", "long chain", "on the long chain"]
    assert [len(paid) for _, paid in order] == [0, 2, 6, 10, 2]


def test_nothing_is_forgotten_or_paid_twice():
    """Whatever claims share, the plan is a partition of all that they need, and no step could be cheaper."""
    generator = random.Random(0)
    pool = sorted(networks(chain("large_final"), range(1, 9)) | networks(chain("movement"), range(1, 9)), key=repr)
    for _ in range(30):
        needs = {str(claim): set(generator.sample(pool, generator.randrange(12))) for claim in range(8)}
        order = plan.cheapest_first(needs)
        paid = [one for _, ones in order for one in ones]
        assert len(paid) == len(set(paid)) and set(paid) == set().union(*needs.values())
        done = set()
        for place, (claim, ones) in enumerate(order):
            assert set(ones) == needs[claim] - done
            assert all(len(ones) <= len(needs[later] - done) for later, _ in order[place:])
            done |= set(ones)


class Begun(Exception):
    """The batch that a worker begins with."""


def worker_in(folder):
    """Return a worker that knows what was measured beside its store."""
    return Worker(Store(folder), "cpu", "float32", speeds=Speeds(folder / "speeds"))


def begun(monkeypatch, worker, wanted, **given):
    """Return the batch that a worker begins with."""

    def compute(mine, queue):
        raise Begun(mine)

    monkeypatch.setattr(worker, "_compute", compute)
    with pytest.raises(Begun) as batch:
        worker.work(wanted, **given)
    return batch.value.args[0]


def test_turns_come_first(tmp_path, monkeypatch):
    """With turns the worker begins with the first claim's networks; without them with the longest chain."""
    worker = Worker(Store(tmp_path), "cpu", "float32")
    cheap, dear = networks(chain("random"), [5]), networks(chain("large_final"), [4])
    turns = plan.turns(plan.cheapest_first({"dear": worker.missing(dear), "cheap": worker.missing(cheap)}))
    assert begun(monkeypatch, worker, cheap | dear, turns=turns)[0].arm == chain("random")
    assert begun(monkeypatch, worker, cheap | dear)[0].arm == DENSE


def test_a_plan_counts_the_store_and_measures(tmp_path):
    """What is in the store is not planned again; seconds and memory are measured, not guessed."""
    worker = worker_in(tmp_path)
    wanted = networks(DENSE, [0]) | networks(chain("large_final"), [1])
    first = plan.plan(worker, {"claim": wanted})
    assert [(row.networks, row.steps) for row in first.rows] == [(4, 120)] and first.seconds > 0
    assert first.memory > 4 * 64 * 1797 and all(map(worker.speeds.knows, wanted))
    worker.work(wanted)
    again = plan.plan(worker_in(tmp_path), {"claim": wanted})
    assert again.stored == 4 and again.seconds == 0 and not again.rows[0].networks


def test_what_lacks_data_is_set_apart(tmp_path, monkeypatch):
    """All else is planned as if it were alone; a data set is asked for once, since that may try to download it."""
    asked = []

    def fingerprint(name, known=plan.catalogue.fingerprint):
        asked.append(name)
        if name == "cifar10":
            raise LotteryError("there is no CIFAR-10")
        return known(name)

    monkeypatch.setattr(plan.catalogue, "fingerprint", fingerprint)
    wanted = networks(DENSE, [0])
    elsewhere = {replace(one, setting=replace(one.setting, dataset="cifar10")) for one in wanted}
    made = plan.plan(worker_in(tmp_path), {"first": elsewhere, "claim": wanted, "second": elsewhere | wanted})
    assert made.lacking == {"first": "there is no CIFAR-10", "second": "there is no CIFAR-10"}
    assert asked.count("cifar10") == 1 and [(row.claim, row.networks) for row in made.rows] == [("claim", len(wanted))]


def test_a_second_plan_measures_nothing(tmp_path, monkeypatch):
    """It says the same at once, in another process, too."""
    wanted = {"claim": networks(DENSE, [0])}
    first = plan.plan(worker_in(tmp_path), wanted)
    monkeypatch.setattr(calibration, "calibrate", lambda *given: pytest.fail("measured again"))
    assert plan.plan(worker_in(tmp_path), wanted) == first


def test_what_a_claim_adds_and_what_it_takes_alone(tmp_path, monkeypatch):
    """What is shared is in both claims' own cost, and added once."""
    monkeypatch.setattr(calibration, "calibrate", lambda *given: Speed(1.0, 0.0, 0.0))
    dense, longer = networks(DENSE, [0]), networks(DENSE, [0]) | networks(chain("large_final"), [1])
    made = plan.plan(worker_in(tmp_path), {"longer": longer, "the same": dense, "dense": dense})
    assert [(row.claim, row.networks, row.seconds, row.alone_networks, row.alone) for row in made.rows] == [
        ("the same", 2, 60.0, 2, 60.0),
        ("dense", 0, 0.0, 2, 60.0),
        ("longer", 2, 60.0, 4, 120.0),
    ]


class Clock:
    """A time that stands still unless it is told to pass by."""

    now = 1000.0

    def __call__(self):
        """Return the time."""
        return self.now

    def pass_by(self, seconds):
        """Let so many seconds pass."""
        self.now += seconds


class TestBudget:
    """Nothing is begun that would not be done in time, and what is late all the same is given up."""

    @pytest.fixture
    def clock(self, monkeypatch):
        """The clock that a worker looks at."""
        clock = Clock()
        monkeypatch.setattr(worker_module.time, "monotonic", clock)
        return clock

    def known(self, folder, seconds, wanted):
        """Return a worker that knows how long each network takes."""
        worker = worker_in(folder)
        for one in wanted:
            worker.speeds.measured(one, seconds)
        return worker

    def test_nothing_is_started_that_would_be_cut_off(self, tmp_path, monkeypatch, clock):
        """A batch that is known to take longer than what is left is not begun."""
        worker = self.known(tmp_path, 60.0, networks(DENSE, [0]))
        monkeypatch.setattr(worker, "_compute", lambda mine, queue: pytest.fail("begun"))
        worker.work(networks(DENSE, [0]), deadline=clock.now + 60)
        assert not worker.entries

    def test_as_many_are_taken_as_are_done_in_time(self, tmp_path, monkeypatch, clock):
        """Two of five networks of a minute, with the margin of what is known, in half of five; the last one in all."""
        wanted = networks(DENSE, [0], seeds=5)
        worker = self.known(tmp_path, 60.0, wanted)
        assert len(begun(monkeypatch, worker, wanted, deadline=clock.now + 300)) == int(150 / (60 * MEASURED)) == 2
        assert len(begun(monkeypatch, worker, wanted, deadline=clock.now + 76)) == 1
        assert len(begun(monkeypatch, self.known(tmp_path, 60.0, wanted), wanted)) == 5

    def test_a_machine_that_is_suddenly_slower_costs_the_last_batch_alone(self, tmp_path, clock):
        """Twice as slow as known, most of the time is still spent on networks that are kept."""
        wanted = networks(DENSE, [0], seeds=8)
        worker = self.known(tmp_path, 10.0, wanted)

        def watch(batch):
            clock.pass_by(20.0 * len(batch.experiments) if batch.iteration == 0 else 0)

        worker.watch = watch
        worker.work(wanted, deadline=clock.now + 100)
        assert worker.computed == len(worker.store.keys()) >= 3

    def test_what_is_late_is_given_up_and_known_better(self, tmp_path, clock):
        """In the middle of a batch; nothing of it is kept but how long it takes, and the next run has it all."""
        wanted = networks(DENSE, [0])
        worker = self.known(tmp_path, 1e-6, wanted)
        worker.watch = lambda batch: clock.pass_by(3600 if batch.iteration else 0)
        worker.work(wanted, deadline=clock.now + 60)
        assert not worker.entries and not worker.failed and not worker.store.keys()
        assert worker.speeds.seconds(next(iter(wanted))) > 1e-4
        worker.work(wanted)
        assert set(worker.entries) == wanted


def test_searches_are_planned(tmp_path, monkeypatch):
    """Searches are measured step by step, those of edge-popup as well, and cost what their rounds train."""

    def search(arm, training):
        setting = SCALES["tiny"].settings["planted-relu-5"][training]
        return experiment(replace(setting, config=replace(setting.config, iterations=80, interval=8)), arm, 0, 0)

    wanted = {
        search(multishot("planted-relu-5", "snip", 0.1), PLANTED),
        search(whole("planted-relu-5"), PLANTED),
        search(scores_sought("planted-relu-5", 0.5), PLANTED_SCORES),
    }
    monkeypatch.setattr(calibration, "SHORTEST", 0.01)
    found = plan.plan(worker_in(tmp_path), {"claim": wanted})
    assert [(row.networks, row.steps) for row in found.rows] == [(3, 8 * (60 + 10 + 10))] and found.seconds > 0


def test_a_budget_has_a_reserve_for_judging(tmp_path, monkeypatch):
    """The more claims and the slower the start, the larger; less with several workers, who share the judging."""
    clock = Clock()
    monkeypatch.setattr(session_module.time, "monotonic", clock)

    def reserve(claims, workers=1, start=0.0, skip=""):
        options = Options(SCALES["tiny"], tmp_path, "cpu", "float32", clock.now + 600, clock.now - start)
        asked = {str(claim): SimpleNamespace(skip=skip) for claim in range(claims)}
        return clock.now + 600 - Session(options, {}, asked=asked)._training_ends(workers)

    assert 0 < reserve(1) < reserve(100, workers=4) < reserve(100) < reserve(100, start=20.0) < 60
    assert reserve(100, skip="not at this scale") == reserve(0) == session_module.REPORTING
    assert Session(Options(SCALES["tiny"], tmp_path, "cpu", "float32"), {})._training_ends() is None
