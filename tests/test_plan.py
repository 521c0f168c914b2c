"""Planning: the cheapest claims first, what is shared paid once, and nothing forgotten."""

import random
import time
from dataclasses import replace

import pytest

from lottery.data.catalogue import load
from lottery.experiments import plan
from lottery.experiments.all_parts import batch_key
from lottery.experiments.arms import DENSE
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import chain, multishot, scores_sought, whole
from lottery.experiments.scales import PLANTED, PLANTED_SCORES, SCALES
from lottery.experiments.worker import Worker
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


def begun(monkeypatch, worker, wanted, turns=None):
    """Return the batch that a worker begins with."""

    def compute(mine, queue):
        raise Begun(mine)

    monkeypatch.setattr(worker, "_compute", compute)
    with pytest.raises(Begun) as batch:
        worker.work(wanted, turns=turns)
    return batch.value.args[0]


def test_turns_come_first(tmp_path, monkeypatch):
    """With turns the worker begins with the first claim's networks; without them with the longest chain."""
    worker = Worker(Store(tmp_path), "cpu", "float32")
    cheap, dear = networks(chain("random"), [5]), networks(chain("large_final"), [4])
    turns = plan.turns(plan.cheapest_first({"dear": worker.missing(dear), "cheap": worker.missing(cheap)}))
    assert begun(monkeypatch, worker, cheap | dear, turns)[0].arm == chain("random")
    assert begun(monkeypatch, worker, cheap | dear)[0].arm == DENSE


def test_a_plan_counts_the_store_and_measures(tmp_path):
    """What is in the store is not planned again; seconds and memory are measured, not guessed."""
    worker = Worker(Store(tmp_path), "cpu", "float32")
    wanted = networks(DENSE, [0]) | networks(chain("large_final"), [1])
    first = plan.plan(worker, {"claim": wanted})
    assert (
        [(row.networks, row.steps) for row in first.rows] == [(4, 120)]
        and first.seconds > 0
        and first.memory > 4 * 64 * 1797
    )
    worker.work(wanted)
    again = plan.plan(Worker(Store(tmp_path), "cpu", "float32"), {"claim": wanted})
    assert again.stored == 4 and again.seconds == 0 and not again.rows[0].networks


def test_a_budget_starts_nothing_that_it_would_cut_off(tmp_path, monkeypatch):
    """A batch that is known to take longer than what is left is not begun."""
    worker = Worker(Store(tmp_path), "cpu", "float32")
    wanted = networks(DENSE, [0])

    worker._took[batch_key(next(iter(wanted)))] = 3600.0
    monkeypatch.setattr(worker, "_compute", lambda mine, queue: (_ for _ in ()).throw(AssertionError("begun")))

    worker.work(wanted, deadline=time.monotonic() + 60)
    assert not worker.entries


def test_searches_are_planned(tmp_path):
    """Searches are measured step by step, those of edge-popup as well, and cost what their rounds train."""

    def search(arm, training):
        setting = SCALES["tiny"].settings["planted-relu-5"][training]
        return experiment(replace(setting, config=replace(setting.config, iterations=80, interval=8)), arm, 0, 0)

    wanted = {
        search(multishot("planted-relu-5", "snip", 0.1), PLANTED),
        search(whole("planted-relu-5"), PLANTED),
        search(scores_sought("planted-relu-5", 0.5), PLANTED_SCORES),
    }
    found = plan.plan(Worker(Store(tmp_path), "cpu", "float32"), {"claim": wanted})
    assert [(row.networks, row.steps) for row in found.rows] == [(3, 8 * (60 + 10 + 10))] and found.seconds > 0


def test_a_training_that_keeps_snapshots_is_measured():
    """A few iterations of it take none, as they end before the first."""
    setting = replace(SETTING, config=replace(SETTING.config, snapshots=(10, 20)))
    assert plan.calibrate([experiment(setting, DENSE, 0, 0)], load("digits"), "cpu").step > 0
