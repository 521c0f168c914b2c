"""Workers: everything asked for gets computed, once, to the same bits, whatever was there before and whoever helps."""

import dataclasses
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.experiments import action_parts
from lottery.experiments.action_parts import LearnMaskAction
from lottery.experiments.arms import DENSE, branch, chain, learned, scores_sought, singleshot, untrained
from lottery.experiments.experiment import experiment
from lottery.experiments.population import Population
from lottery.experiments.worker import Worker
from lottery.masks import criteria
from lottery.store.store import Store
from lottery.training.config import Config, Setting
from tests.conftest import SMALL, begin, shortened

SETTING = Setting(SMALL, "digits", Config("adam", 1e-2, 20, 60, 20))
ARMS = [(chain("large_final"), 3), (branch("large_final", "reinit"), 3), (chain("large_final", "constant"), 2),
        (chain("random"), 4), (untrained("large_final_same_sign"), 0), (DENSE, 0)]  # fmt: skip
ASKED = [experiment(SETTING, arm, round, seed) for arm, round in ARMS for seed in range(3)]


def worker(folder):
    return Worker(Store(folder), "cpu", "float32")


def measured(one):
    return {experiment: entry.measurements for experiment, entry in one.entries.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store in which everything was computed at once, and the worker that did it."""
    one = worker(tmp_path_factory.mktemp("whole"))
    one.work(ASKED)
    return one


def test_everything_asked_for_is_there(whole):
    """Three chains' rounds, branches, random masks and supermasks, and no training twice."""
    assert set(whole.entries) == set(ASKED) and not whole.failed
    dense, tickets, branches, constants, random = (
        3,
        9,
        3,
        6,
        3,
    )  # networks: three seeds, rounds as far as each chain goes
    assert whole.steps == 60 * (dense + tickets + branches + constants + random)


def test_a_second_worker_only_reads(whole):
    """With a full store nothing is trained."""
    again = worker(whole.store.folder)
    again.work(ASKED)
    assert again.steps == 0 and measured(again) == measured(whole)


@pytest.mark.parametrize("part", [ASKED[:1], ASKED[3:5] + ASKED[-1:], ASKED[9:11]])
def test_a_selection_gives_the_same_bits(whole, tmp_path, part):
    """One claim alone measures what it measures among all."""
    alone = worker(tmp_path)
    alone.work(part)
    assert measured(alone) == {one: whole.entries[one].measurements for one in part}


def test_half_a_store_gives_the_same_bits(whole, tmp_path):
    """Whatever half of the entries is there, the rest comes out the same."""
    shutil.copytree(whole.store.folder, tmp_path / "half")
    for index, file in enumerate(sorted((tmp_path / "half" / "entries").glob("*/*.npz"))):
        if index % 2:
            file.unlink()
    half = worker(tmp_path / "half")
    half.work(ASKED)
    assert 0 < half.steps < whole.steps and measured(half) == measured(whole)


def test_a_damaged_entry_is_computed_again(whole, tmp_path):
    """Damage anywhere in a chain costs a warning and that part again, not the result."""
    shutil.copytree(whole.store.folder, tmp_path / "damaged")
    one = worker(tmp_path / "damaged")
    for broken in (
        experiment(SETTING, chain("large_final"), 2, 0),
        experiment(SETTING, chain("large_final"), 3, 0),
        ASKED[-1],
    ):
        path = one.store._path(one.key(broken))
        path.write_bytes(path.read_bytes()[:300])
    with pytest.warns(UserWarning, match="computed again"):
        one.work(ASKED)
    assert measured(one) == measured(whole)


def test_two_processes_share_the_work(whole, tmp_path):
    """Two workers on one store finish with the same results, each experiment trained once."""
    code = f"""
import sys, torch
torch.set_num_threads(1)
from pathlib import Path
from tests.test_worker import ASKED, worker
one = worker(Path({str(tmp_path)!r}))
one.workers = 2
one.work(ASKED)
print(one.steps)
"""
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    steps = [int(process.communicate()[0]) for process in processes]
    assert sum(steps) == whole.steps
    reader = worker(tmp_path)
    reader.work(ASKED)
    assert reader.steps == 0 and measured(reader) == measured(whole)


def test_a_failing_criterion_fails_alone(whole, tmp_path, monkeypatch):
    """What hangs on it fails with its message, everything else is computed."""

    def broken(w_final):
        raise ZeroDivisionError("no scores today")

    monkeypatch.setitem(criteria.CRITERIA, "broken", broken)
    bad = [experiment(SETTING, chain("broken"), 2, 0), experiment(SETTING, untrained("broken"), 0, 0)]
    one = worker(tmp_path)
    one.work([*ASKED, *bad])
    assert set(bad) <= set(one.failed) and all("no scores today" in one.failed[b] for b in bad)
    assert measured(one) == measured(whole)


def test_a_batch_that_does_not_fit_is_trained_in_parts(whole, tmp_path, monkeypatch):
    """Out of memory with more than two networks: the same results in smaller batches; with one it is a message."""
    sound = action_parts.fit

    def narrow(*arguments, most):
        if len(arguments[4]) > most:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return sound(*arguments)

    monkeypatch.setattr(action_parts, "fit", lambda *arguments: narrow(*arguments, most=2))
    one = worker(tmp_path)
    one.work(ASKED)
    assert measured(one) == measured(whole)
    monkeypatch.setattr(action_parts, "fit", lambda *arguments: narrow(*arguments, most=0))
    with pytest.raises(LotteryError, match="does not hold a single lenet-96-48"):
        worker(tmp_path / "other").work(ASKED)


def test_deadline_ends_the_work_and_the_next_run_goes_on(whole, tmp_path):
    """After the deadline nothing new is started; what was finished counts."""
    one = worker(tmp_path)
    one.work(ASKED, deadline=0.0)
    assert one.steps == 0 and not one.entries
    one.work(ASKED)
    assert measured(one) == measured(whole)


@pytest.mark.parametrize("data_order", ["fresh", "repeated"])
def test_data_orders_are_named_by_seed_and_round(tmp_path, monkeypatch, data_order):
    """Every seed shuffles by itself, arms of a seed and round alike; each round anew, or, "repeated", all alike."""
    setting = dataclasses.replace(SETTING, config=dataclasses.replace(SETTING.config, data_order=data_order))
    asked = [
        experiment(setting, arm, 2, seed)
        for arm in (chain("large_final"), branch("large_final", "reinit"))
        for seed in (0, 1)
    ]
    sound, seen = action_parts.fit, []

    def fit(model, parametrise, data, config, replicas, *rest):
        seen.extend(replica.order for replica in replicas)
        return sound(model, parametrise, data, config, replicas, *rest)

    monkeypatch.setattr(action_parts, "fit", fit)
    one = worker(tmp_path)
    one.work(asked)
    trained = {0: 1, 1: 1, 2: 2}  # networks per seed: dense, round 1 of the chain, round 2 of chain and branch
    expected = Counter()
    for round, networks in trained.items():
        for seed in (0, 1):
            expected[seed, "data order", round if data_order == "fresh" else 0] += networks
    assert Counter(seen) == expected


def test_learned_masks_are_drawn_by_seed():
    """Each seed's masks come from a stream of its own, whoever shares the batch."""
    several = [experiment(SETTING, learned(), 0, seed) for seed in (3, 1, 2)]
    streams = LearnMaskAction.parametrisation(Population(several)).keywords["streams"]
    assert [one.initial_seed() for one in streams] == [stream(seed, "supermask").initial_seed() for seed in (3, 1, 2)]
    assert len({one.initial_seed() for one in streams}) == 3


def test_chain_and_branch_have_different_masks(whole):
    """A chain of random reinitialisation follows masks of its own, a branch those of the rewinding chain."""
    one = worker(whole.store.folder)
    chained, branched = (
        experiment(SETTING, chain("large_final", "constant"), 2, 0),
        experiment(SETTING, branch("large_final", "constant"), 2, 0),
    )
    sources = [
        one.store.read(one.key(experiment(SETTING, arm, 1, 0)))
        for arm in (chain("large_final", "constant"), chain("large_final"))
    ]
    first, second = (begin(e, source).cut.masks for e, source in zip((chained, branched), sources))
    assert not all(torch.equal(a, b) for a, b in zip(first, second))
    assert [int(a.sum()) for a in first] == [int(b.sum()) for b in second]


def test_batches_fill_the_processor_and_share_fairly(whole):
    """No more than half of what is ready for one of two workers, and no more than the caches hold."""
    dense = experiment(SETTING, DENSE, 0, 0)
    one = Worker(whole.store, "cpu", "float32", workers=2)
    assert 10 <= one.at_most(dense, 100) <= 40
    assert one.at_most(dense, 8) == 4 and one.at_most(dense, 1) == 1
    lenet = experiment(Setting("lenet-300-100", "mnist", SETTING.config), DENSE, 0, 0)
    assert one.at_most(lenet, 9) == 1


def search(arm, seed, training="planted"):
    """Return a search in ten epochs of ten steps."""
    return experiment(shortened(arm.network, training, 10, 10), arm, 0, seed)


def test_searches_are_kept_like_experiments(tmp_path):
    """Beside chains, in populations; a second worker only reads, a selection gives the same bits, each has its mask."""
    searches = [
        search(singleshot("planted-circle-5", method, share), seed)
        for method in ("snip", "magnitude")
        for share in (0.1, None)
        for seed in (0, 1)
    ]
    searches.append(search(scores_sought("planted-relu-5", 0.5), 0, "planted scores"))
    one = worker(tmp_path / "whole")
    one.work([*searches, ASKED[0]])
    assert set(one.entries) >= set(searches) and one.steps >= 9 * 100
    kept = np.unpackbits(one.store.read(one.key(searches[0])).arrays["mask"])
    assert kept.sum() == round(0.1 * 20_904)
    again = worker(tmp_path / "whole")
    again.work(searches)
    assert again.steps == 0 and measured(again) == {sought: one.entries[sought].measurements for sought in searches}
    alone = worker(tmp_path / "alone")
    alone.work(searches[3:4])
    assert measured(alone)[searches[3]] == measured(again)[searches[3]]


def test_a_search_whose_criterion_breaks_fails_alone(tmp_path, monkeypatch):
    """One message; the others of the population are kept."""
    monkeypatch.setitem(criteria.CRITERIA, "broken", lambda w_init: w_init[0, 0])
    sound, broken = (search(singleshot("planted-circle-5", name, 0.1), 0) for name in ("snip", "broken"))
    one = worker(tmp_path)
    one.work([sound, broken])
    assert set(one.entries) == {sound} and "one score per weight" in one.failed[broken]
