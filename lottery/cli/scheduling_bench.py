"""How long it takes to plan a night's work, and to find the next batch of it: part of `lottery bench`."""

import gc
import time
from collections.abc import Iterator
from itertools import islice

from lottery.experiments.all_parts import batch_key, parents
from lottery.experiments.experiment import Experiment, experiment
from lottery.experiments.keys import key
from lottery.experiments.named_arms import branch, chain, dissected
from lottery.experiments.queue import Queue
from lottery.training.config import Config, Setting

SETTINGS, SEEDS, ROUNDS, DRAWS = 4, 20, 25, 8
CRITERIA = ("large_final", "movement", "magnitude_increase", "large_final_same_sign", "snip_final")
TURNS, BATCH = 200, 64


def plan() -> Iterator[Experiment]:
    """Yield about 100,000 experiments, arm by arm: chains, and at each round branches and a look at the mask."""
    for steps in range(1_000, 1_000 + SETTINGS):
        setting = Setting("lenet-300-100", "mnist", Config("adam", 1.2e-3, 60, steps, 100))
        for criterion in CRITERIA:
            arms = [chain(criterion), dissected(criterion), *(branch(criterion, "reinit", n) for n in range(DRAWS))]
            for arm in arms:
                for round in range(1, ROUNDS + 1):
                    yield from (experiment(setting, arm, round, seed) for seed in range(SEEDS))


def scheduling() -> str:
    """Return one line: the seconds that planning many experiments takes, and the milliseconds of a worker's turn.

    Of the processor's time, so that whoever else uses the machine is not measured.
    """
    experiments = list(plan())
    started = time.process_time()
    queue = Queue(parents, batch_key, lambda one: one.steps, lambda one: (one.arm.name, one.round, one.seed))
    queue.add(experiments, lambda one: not key(one, "", "float32"))  # a worker asks for each in the store
    for one in experiments:
        key(one, "", "float32")
    gc.freeze()  # as a worker does
    planned, missing, turns = time.process_time() - started, len(queue), []
    for _ in range(TURNS):
        started = time.process_time()
        for one in list(islice(queue.ready(next(queue.batches())), BATCH)):
            queue.finish(one)
        turns.append(1_000 * (time.process_time() - started))
    gc.unfreeze()
    return (
        f"scheduling: {missing:,} experiments planned in {planned:.1f} s of processor time, "
        f"a turn of up to {BATCH} in {sum(turns) / TURNS:.1f} ms, at worst {max(turns):.1f} ms"
    )
