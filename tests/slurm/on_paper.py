"""What all claims of a scale cost, and how fast several machines would be: by measured speeds of this machine's cores.

    python -m tests.slurm.on_paper [--scale paper]

Processor seconds, not seconds by the clock: other work on the machine counts little. A data set that cannot be had here
is replaced by MNIST, or by what stands in for CIFAR-10: images of the same size, whose steps cost the same.
"""

import argparse
import importlib
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

from tabulate import tabulate

from lottery.claims.resolved import ResolvedClaim, entries_of, resolve
from lottery.core.devices import prepare
from lottery.core.errors import LotteryError
from lottery.data.catalogue import fingerprint
from lottery.data.datasets import sizes
from lottery.experiments.all_parts import batch_key, with_ancestors
from lottery.experiments.calibration import Speed, calibrate
from lottery.experiments.experiment import Experiment
from lottery.experiments.scales import scale
from lottery.experiments.speeds import family
from lottery.experiments.worker import Worker
from lottery.jobs.grouping import heights, jobs_of, parents_first, takes
from lottery.jobs.table import MACHINES
from lottery.store.store import Store

SAME_SIZE = {"cifar10": "cifar10-jpeg"}  # of images; all others that may be missing are of MNIST's
MNIST = "mnist-48k"
HOUR = 3600


def asked(name: str) -> list[ResolvedClaim]:
    """Return the claims of the suite, as a scale asks them, own criteria and networks aside."""
    files = [file for file in sorted(Path("benchmarks").glob("test_*.py")) if "_own_" not in file.stem]
    modules = [importlib.import_module(f"benchmarks.{file.stem}") for file in files]
    tests = [test for module in modules for test in vars(module).values() if hasattr(test, "pytestmark")]
    marks = [mark for test in tests for mark in test.pytestmark if mark.name == "parametrize"]
    claims = [parameter.values[0] for mark in marks for parameter in mark.args[1]]
    known = entries_of({claim.file for claim in claims}).entries
    return [resolve(claim, known[claim.entry_id], scale(name)) for claim in claims]


@cache
def here(name: str) -> bool:
    """Return whether a data set can be had."""
    try:
        return bool(fingerprint(name))
    except LotteryError:
        return False


def at_hand(one: Experiment) -> Experiment:
    """Return an experiment on data that are here, and cost the same a step."""
    name = one.setting.dataset
    return one if here(name) else replace(one, setting=one.setting.on(SAME_SIZE.get(name, MNIST)))


def prices(experiments: Iterable[Experiment], worker: Worker) -> tuple[dict[Experiment, float], set[str]]:
    """Return the seconds of experiments, and the data sets that others took the place of."""
    kinds: dict[tuple, list[Experiment]] = defaultdict(list)
    for one in sorted(experiments, key=repr):
        kinds[(family(one), batch_key(one))].append(one)
    found: dict[Experiment, float] = {}
    speeds: dict[tuple, tuple[Speed, list[int]]] = {}
    replaced = set()
    for (like, key), alike in kinds.items():
        batch = [at_hand(one) for one in alike[: worker.at_most(alike[0], len(alike))]]
        data = worker.data(batch[0].setting)
        if (like, key[0].preprocessing) not in speeds:
            with patch("time.perf_counter", time.process_time):
                speeds[like, key[0].preprocessing] = calibrate(batch, data, worker.device), sizes(data)
        speed, of_parts = speeds[like, key[0].preprocessing]
        found |= {one: speed.seconds(one, of_parts) for one in alike}
        if batch[0].setting.dataset != alike[0].setting.dataset:
            replaced.add(alike[0].setting.dataset)
        print(f"{alike[0].setting.network} on {alike[0].setting.data}: {len(alike)} networks, "
              f"{sum(found[one] for one in alike) / HOUR:.2f} h", flush=True)  # fmt: skip
    return found, replaced


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.slurm.on_paper", description=__doc__.splitlines()[0])
    parser.add_argument("--scale", default="paper")
    name = parser.parse_args().scale
    claims = asked(name)
    experiments = set(with_ancestors(one for claim in claims for one in claim.experiments))
    prepare("cpu", "float32")
    with tempfile.TemporaryDirectory() as folder:
        price, replaced = prices(experiments, Worker(Store(Path(folder)), "cpu", "float32"))
    total = sum(price.values())
    families: dict[str, list[Experiment]] = defaultdict(list)
    for one in experiments:
        families[one.setting.network].append(one)
    rows = [
        [name, len(of), f"{sum(one.steps for one in of) / 1e6:,.1f}", f"{sum(map(price.get, of)) / HOUR:,.1f}"]
        for name, of in sorted(families.items(), key=lambda item: -sum(map(price.get, item[1])))
    ]
    print(tabulate(rows, ["network", "networks", "million steps", "hours"], "github", disable_numparse=True))
    print(f"{sum(bool(claim.experiments) for claim in claims)} claims, {len(experiments):,} networks, "
          f"{sum(one.steps for one in experiments):,} steps, {total / HOUR:,.1f} hours of a core; "
          f"replaced: {', '.join(sorted(replaced)) or 'none'}")  # fmt: skip
    longest: dict[Experiment, float] = {}
    for one, above in parents_first(experiments).items():
        longest[one] = price[one] + max((longest[parent] for parent in above), default=0.0)
    last = max(longest, key=longest.__getitem__)
    print(f"longest chain of networks: {longest[last] / HOUR:.1f} h, which ends with {last.name}")
    whole = jobs_of(experiments, price.__getitem__, 1)
    print(
        f"{len(whole)} jobs if no population is split, the longest chain of these {max(heights(whole)) / HOUR:,.1f} h"
    )
    for machines in MACHINES:
        jobs = jobs_of(experiments, price.__getitem__, machines)
        lasts = takes(jobs, machines)
        print(f"{machines} at a time: {len(jobs)} jobs, {lasts / HOUR:,.1f} h, {total / lasts:.1f} times as fast; "
              f"if no population is split {total / takes(whole, machines):.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
