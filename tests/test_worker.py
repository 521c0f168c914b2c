"""Workers: everything asked for gets computed, once, to the same bits, whatever was there before and whoever helps."""

import dataclasses
import shutil
import subprocess
import sys
import threading
from collections import Counter

import numpy as np
import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.experiments import action_parts
from lottery.experiments.action_parts import LearnMaskAction
from lottery.experiments.all_parts import batch_key, parents, with_ancestors
from lottery.experiments.arms import DENSE
from lottery.experiments.attempts import Attempts
from lottery.experiments.chain_masks import initial
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import branch, chain, learned, multishot, scores_sought, singleshot, untrained
from lottery.experiments.named_arms import whole as unpruned
from lottery.experiments.population import Population
from lottery.experiments.scales import PLANTED_SCORES
from lottery.experiments.worker import Worker
from lottery.masks import criteria
from lottery.store.store import Store
from lottery.training.config import Config, Setting
from lottery.training.step import Step
from tests.conftest import SMALL, begin, shortened

SETTING = Setting(SMALL, "digits", Config("adam", 1e-2, 20, 60, 20))
ARMS = [
    (chain("large_final"), 3),
    (branch("large_final", "reinit"), 3),
    (chain("large_final", "constant"), 2),
    (chain("random"), 4),
    (untrained("large_final_same_sign"), 0),
    (DENSE, 0),
]
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
    networks = {"dense": 1, "tickets": 3, "branches": 1, "constants": 2, "random": 1}  # a seed's, as far as chains go
    assert whole.steps == 60 * 3 * sum(networks.values())


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
import torch
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


def test_what_another_worker_computes_is_left_to_it(whole, tmp_path):
    """While another holds a dense network's lock all else is computed; once it lets go unfinished, that is, too."""
    one, held = worker(tmp_path), experiment(SETTING, DENSE, 0, 0)
    taken, release, done = threading.Event(), threading.Event(), []

    def other():
        with Store(tmp_path).acquire(iter([one.key(held)]), 1) as acquired:
            done.append(len(acquired))
            taken.set()
            release.wait(60)

    def finished(steps):
        others = [asked for asked in ASKED if asked.seed > 0 or (not parents(asked) and asked != held)]
        if all(one.store.has(one.key(asked)) for asked in others):
            done.append(one.store.has(one.key(held)))
            release.set()

    holder = threading.Thread(target=other)
    holder.start()
    taken.wait(60)
    one.work(ASKED, finished=finished)
    holder.join()
    assert done[:2] == [1, False] and measured(one) == measured(whole)


def test_a_failing_criterion_fails_alone(whole, tmp_path, monkeypatch):
    """What hangs on it fails with its message, everything else is computed."""

    def broken(w_final):
        raise ZeroDivisionError("no scores today")

    monkeypatch.setitem(criteria.CRITERIA, "broken", broken)
    bad = [experiment(SETTING, chain("broken"), 2, 0), experiment(SETTING, untrained("broken"), 0, 0)]
    one = worker(tmp_path)
    one.work([*ASKED, *bad])
    assert set(bad) <= set(one.failed) and all("no scores today" in one.failed[b] for b in bad)
    assert not set(one.failed) & set(ASKED) and measured(one) == measured(whole)


def test_one_failure_takes_its_descendants_along_and_nobody_else(whole, tmp_path, monkeypatch):
    """A criterion breaks for one seed: its chain and its branches fail, with their message; other seeds go on."""
    disliked = initial(experiment(SETTING, DENSE, 0, 1))[0]

    def moody(w_init, w_final):
        if torch.equal(w_init[0], disliked):
            raise ZeroDivisionError("not this seed")
        return w_final.abs()

    monkeypatch.setitem(criteria.CRITERIA, "moody", moody)
    arms = (chain("moody"), branch("moody", "reinit"))
    asked = [experiment(SETTING, arm, 2, seed) for arm in arms for seed in range(3)]
    one = worker(tmp_path)
    one.work([*asked, *ASKED])
    lost = {of for of in asked if of.seed == 1}
    assert set(one.failed) >= lost and {of.seed for of in one.failed} == {1}
    assert all("not this seed" in why for why in one.failed.values())
    assert set(one.entries) == {*asked, *ASKED} - lost
    assert measured(one).items() >= measured(whole).items()


def narrow(monkeypatch, most, error=None):
    """Let memory be full after ten steps of a training of more than so many networks."""
    sound, taken = Step._run, Counter()

    def run(self, index):
        taken[id(self)] += 1
        if self._replicas > most and taken[id(self)] > 10:
            raise error or torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        sound(self, index)

    monkeypatch.setattr(Step, "_run", run)


@pytest.mark.parametrize("error", [None, RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublas")])
def test_a_batch_that_does_not_fit_is_trained_in_parts(whole, tmp_path, monkeypatch, error):
    """Out of memory with more than two networks: the same results in smaller batches; with a single one a message."""
    with monkeypatch.context() as patch:
        narrow(patch, 2, error)
        one = worker(tmp_path)
        one.work(ASKED)
    assert measured(one) == measured(whole)
    narrow(monkeypatch, 0, error)
    with pytest.raises(LotteryError, match="does not hold a single lenet-96-48"):
        worker(tmp_path / "other").work(ASKED)


def test_other_errors_are_not_taken_for_a_lack_of_memory(tmp_path, monkeypatch):
    """What is wrong with a batch is wrong with its halves."""
    narrow(monkeypatch, 2, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        worker(tmp_path).work(ASKED)


def test_halves_begin_with_nothing_of_the_whole(tmp_path, monkeypatch):
    """Before a half is computed, blocks and data of the batch that did not fit are given up."""
    narrow(monkeypatch, 2)
    left, sound = [], Population.release

    def release(self):
        sound(self)
        left.append(not {"model", "data"} & set(vars(self)))

    monkeypatch.setattr(Population, "release", release)
    worker(tmp_path).work(ASKED)
    assert left and all(left)


def test_searches_that_do_not_fit_are_trained_in_parts(tmp_path, monkeypatch):
    """Between their rounds as well as at their end, with the same results."""
    arm = multishot("planted-circle-5", "magnitude", 0.1)
    arm = dataclasses.replace(arm, mask=dataclasses.replace(arm.mask, rounds=2, epochs=1))
    asked = searches_of(*((arm, seed) for seed in range(3)))
    one, other = worker(tmp_path / "one"), worker(tmp_path / "other")
    one.work(asked)
    narrow(monkeypatch, 2)
    other.work(asked)
    assert measured(other) == measured(one)


def test_deadline_ends_the_work_and_the_next_run_goes_on(whole, tmp_path):
    """After the deadline nothing new is started; what was finished counts."""
    one = worker(tmp_path)
    one.work(ASKED, deadline=0.0)
    assert one.steps == 0 and not one.entries
    one.work(ASKED)
    assert measured(one) == measured(whole)


@pytest.mark.parametrize("data_order", ["fresh", "repeated"])
def test_data_orders_are_named_by_seed_and_round(tmp_path, monkeypatch, data_order):
    """Every seed shuffles by itself, arms of a seed and round alike; each round anew, or "repeated" the same."""
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
    chained, branched = (experiment(SETTING, make("large_final", "constant"), 2, 0) for make in (chain, branch))
    first, second = (
        begin(of, *(one.store.read(one.key(parent)) for parent in parents(of))).cut.masks for of in (chained, branched)
    )
    assert not all(torch.equal(a, b) for a, b in zip(first, second))
    assert [int(a.sum()) for a in first] == [int(b.sum()) for b in second]


def test_batches_fill_the_processor_and_share_fairly(whole):
    """No more than half of what is ready for one of two workers, and no more than the caches hold."""
    small = experiment(SETTING, DENSE, 0, 0)
    one = Worker(whole.store, "cpu", "float32", workers=2)
    assert 10 <= one.at_most(small, 100) <= 40
    assert one.at_most(small, 8) == 4 and one.at_most(small, 1) == 1
    lenet = experiment(Setting("lenet-300-100", "mnist", SETTING.config), DENSE, 0, 0)
    assert one.at_most(lenet, 9) == 1


def test_a_batch_is_of_one_kind_and_not_too_large(tmp_path, monkeypatch):
    """What is computed together has one batch key, at most as many as `at_most` allows, and every parent before it."""
    one, batches, sound = worker(tmp_path), [], Worker._compute

    def compute(self, mine, queue):
        batches.append(list(mine))
        assert all(self.store.has(self.key(parent)) for of in mine for parent in parents(of))
        return sound(self, mine, queue)

    monkeypatch.setattr(Worker, "_compute", compute)
    monkeypatch.setattr(Worker, "at_most", lambda self, first, ready: min(2, ready))
    one.work(ASKED)
    assert all(len({batch_key(of) for of in batch}) == 1 and 1 <= len(batch) <= 2 for batch in batches)
    computed = [of for batch in batches for of in batch]
    assert len(computed) == len(set(computed)) and set(computed) >= set(ASKED)


def test_turns_come_first(tmp_path, monkeypatch):
    """With turns a chain's networks are all there before anything of a later turn begins, however long that is."""
    one, order, sound = worker(tmp_path), [], Worker._compute

    def compute(self, mine, queue):
        order.extend(mine)
        return sound(self, mine, queue)

    monkeypatch.setattr(Worker, "_compute", compute)
    first = experiment(SETTING, chain("random"), 4, 0)
    asked = [experiment(SETTING, chain("large_final"), 3, seed) for seed in range(2)]
    turns = {first: 0} | dict.fromkeys((*asked, *(of for one in asked for of in ancestors(one))), 1)
    one.work([*asked, first], turns=turns)
    assert order[0] == first
    other = worker(tmp_path / "other")
    order.clear()
    other.work([first, *asked])
    assert order[0].arm == DENSE  # which the longest chain begins with


def ancestors(one):
    """Return all that an experiment rests on."""
    return {of for parent in parents(one) for of in (parent, *ancestors(parent))}


def test_an_experiment_with_all_that_it_rests_on():
    """Each once; among some of them, as far as one can go without leaving these."""
    every = with_ancestors(ASKED)
    assert len(every) == len(set(every)) and set(every) == {*ASKED, *(of for one in ASKED for of in ancestors(one))}
    last = max(ASKED, key=lambda one: len(ancestors(one)))
    (parent,) = parents(last)
    assert with_ancestors([last, parent], {last, *ancestors(parent)}) == [last]


def searches_of(*arms):
    """Return brief searches of these arms, each with a seed."""
    return [experiment(shortened(arm.network), arm, 0, seed) for arm, seed in arms]


def test_searches_are_kept_like_experiments(tmp_path):
    """Beside trained chains, in populations: a second worker only reads, a selection gives the same bits and masks."""
    arms = [singleshot("planted-circle-5", method, share) for method in ("snip", "magnitude") for share in (0.1, None)]
    searches = searches_of(*((arm, seed) for arm in arms for seed in (0, 1)))
    popped = scores_sought("planted-relu-5", 0.5)
    searches.append(experiment(shortened("planted-relu-5", PLANTED_SCORES), popped, 0, 0))
    one = worker(tmp_path / "whole")
    one.work([*searches, ASKED[0]])
    assert set(one.entries) == {*searches, ASKED[0]} and not one.failed
    chained = {ASKED[0], *ancestors(ASKED[0])}
    assert one.steps == 9 * 24 + sum(of.steps for of in chained)
    kept = np.unpackbits(one.store.read(one.key(searches[0])).arrays["mask"])
    assert kept.sum() == round(0.1 * 20_904)
    again = worker(tmp_path / "whole")
    again.work(searches)
    assert again.steps == 0 and measured(again) == {search: one.entries[search].measurements for search in searches}
    alone = worker(tmp_path / "alone")
    alone.work(searches[3:4])
    assert measured(alone)[searches[3]] == measured(again)[searches[3]]


def test_a_search_whose_criterion_breaks_fails_alone(tmp_path, monkeypatch):
    """One message; the others of the population are kept."""
    monkeypatch.setitem(criteria.CRITERIA, "broken", lambda w_init: w_init[0, 0])
    sound, broken, dense = searches_of(
        *((singleshot("planted-circle-5", name, 0.1), 0) for name in ("snip", "broken")),
        (unpruned("planted-circle-5"), 0),
    )
    assert batch_key(sound) == batch_key(broken)
    one = worker(tmp_path)
    one.work([sound, broken, dense])
    assert set(one.entries) == {sound, dense} and set(one.failed) == {broken}
    assert "one score per weight" in one.failed[broken]


def test_whoever_waits_says_so(whole, tmp_path):
    """While another process has what is missing, `wait` is told how much that is, ever more rarely."""
    told = []

    class Enough(Exception):
        pass

    def wait(experiments):
        told.append((experiments, one._patience))
        if len(told) == 4:
            raise Enough

    one = Worker(Store(tmp_path), "cpu", "float32", wait=wait)
    asked = experiment(SETTING, DENSE, 0, 0)
    with Store(tmp_path).acquire([one.key(asked)], 1) as held, pytest.raises(Enough):
        assert held
        one.work([asked])
    counts, patience = zip(*told)
    assert counts == (1, 1, 1, 1) and list(patience) == sorted(patience) and patience[0] < patience[-1]


def test_what_a_process_died_with_is_computed_alone(whole, tmp_path):
    """And everything else as ever; what was given up fails with the reason, and nothing else does."""
    asked = [experiment(SETTING, DENSE, 0, seed) for seed in range(6)]
    key = whole.key(asked[2])

    class Before(Attempts):
        def __init__(self, *deaths):
            self.batches, self._deaths = [], deaths

        def begin(self, batch):
            self.batches.append(dict(batch))

        def deaths(self):
            return self._deaths

    for alone, failed in ((1, False), (2, True)):
        before = Before({key: "lenet-96-48, dense", "other": "net, arm"}, *[{key: "net, guilty"}] * alone)
        one = Worker(Store(tmp_path / str(alone)), "cpu", "float32", attempts=before)
        one.work(asked)
        assert [batch for batch in before.batches if key in batch] == [{key: "lenet-96-48, dense"}]
        assert not one.failed and measured(one) == {of: one.entries[of].measurements for of in asked}
        guilty = Before(*[{key: "lenet-96-48, dense"}] * alone)
        two = Worker(Store(tmp_path / f"guilty {alone}"), "cpu", "float32", attempts=guilty)
        two.work(asked)
        assert bool(two.failed) == failed and all("processes died" in why for why in two.failed.values())
