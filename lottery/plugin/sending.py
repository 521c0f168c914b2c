"""Sending: what a run is missing goes to jobs, of Slurm or of this machine, and it waits until they are over."""

import os
import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from lottery.core.errors import LotteryError, SuiteWarning
from lottery.core.machine import cores
from lottery.core.paths import user_path
from lottery.jobs import executors, slurm
from lottery.jobs.request import Request
from lottery.jobs.resources import Resources, resources, wants_gpu
from lottery.plugin import options

if TYPE_CHECKING:
    from lottery.experiments.experiment import Experiment
    from lottery.experiments.worker import Worker
    from lottery.jobs.grouping import Job

    Needs = Mapping[str, Collection[Experiment]]  # what is missing, by claim

CPU = "cpu"
AT_ONCE = 64  # jobs in Slurm's queue, unless the user says how many
WITHOUT_FILES = ["--junitxml="]  # a job writes no such file of its own over the run's
CARRIED = ("LOTTERY_", "PYTHONPATH", "XDG_CACHE_HOME", "OMP_NUM_THREADS")  # of the environment, for sites that empty it


@dataclass(frozen=True)
class Sending:
    """How a run's jobs are made and sent, by its options."""

    engine: str
    slurm: Sequence[str]  # KEY=VALUE
    at_once: int
    devices: Sequence[str]  # "cpu", or "cuda", which is a job's own, or the GPUs of this machine
    logs: Path | None  # None: beside the store
    arguments: Sequence[str]
    folder: Path

    def measure(self, worker: "Worker", needs: "Needs") -> Resources:
        """Return what jobs ask for, once it was measured whose speed is not known on this machine."""
        from lottery.experiments.plan import measure

        return resources(self.slurm, list(self.devices) != [CPU], measure(worker, set().union(*needs.values())))

    def jobs(self, worker: "Worker", needs: "Needs", at_once: int, asked: Resources) -> "list[Job]":
        """Return the jobs that compute what is missing, for so many at a time."""
        from lottery.jobs.grouping import jobs_of

        longest = asked.longest if self.engine == "slurm" else float("inf")
        return jobs_of(set().union(*needs.values()), worker.speeds.seconds, at_once, longest)

    def table(self, worker: "Worker", needs: "Needs") -> str:
        """Return the jobs that would be sent, and how long they take, so many at a time as asked for and others."""
        from lottery.jobs.table import MACHINES, jobs_table

        asked = self.measure(worker, needs)
        divided = {number: self.jobs(worker, needs, number, asked) for number in sorted({*MACHINES, self.at_once})}
        return jobs_table(divided[self.at_once], list(divided.items()))

    def compute(self, worker: "Worker", needs: "Needs", reporter) -> None:
        """Have jobs compute what claims need; what cannot be had is in the worker's `failed` then."""
        from lottery.jobs.controller import Controller

        if not any(needs.values()):
            return
        worker.store.check_writable()
        store = worker.store.folder.absolute()
        if self.engine == "slurm" and (warning := slurm.shared_or_told(store)):
            warnings.warn(warning, SuiteWarning, stacklevel=2)
        asked = self.measure(worker, needs)
        folder = (self.logs or store / "jobs") / f"{datetime.now():%Y-%m-%d-%H%M%S}-{uuid4().hex[:6]}"
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise LotteryError(f"--logs {folder.parent}: {error}; choose a folder that all nodes share") from None
        claims = asking(needs)

        def request(wanted: "Sequence[Experiment]", device: str) -> Request:
            by = sorted({claims[one] for one in wanted})
            keys = [worker.key(one) for one in wanted]
            arguments = [*self.arguments, f"--lottery-store={store}"]
            return Request(keys, by, arguments, str(self.folder), carried(self.engine), device)

        controller = Controller(
            jobs=self.jobs(worker, needs, self.at_once, asked),
            executor=executors.Slurm(folder, asked) if self.engine == "slurm" else executors.Local(folder),
            store=worker.store,
            key=worker.key,
            request=request,
            folder=folder,
            devices=self.devices,
            at_once=self.at_once,
            tell=lambda progress: reporter.jobs(progress.finished, f"{self.engine}: {progress.text}"),
        )
        worker.failed |= controller.run()


def asking(needs: "Needs") -> "dict[Experiment, str]":
    """Return for each experiment a claim that needs it: a job comes to its experiments by few claims."""
    found: dict[Experiment, str] = {}
    for claim, wanted in sorted(needs.items(), key=lambda item: -len(item[1])):
        for one in wanted:
            found.setdefault(one, claim)
    return found


def carried(engine: str) -> dict[str, str]:
    """Return what of the environment a job has as well, where a site empties it; on this machine its GPUs, too."""
    names = (*CARRIED, "CUDA_VISIBLE_DEVICES") if engine == "local" else CARRIED
    return {name: value for name, value in os.environ.items() if name.startswith(names)}


def sending(config: pytest.Config) -> Sending | None:
    """Return how this run's jobs are sent; None where it computes by itself. Raise where that makes no sense."""
    engine, given = options.given(config, "engine"), options.given(config, "slurm")
    if not engine:
        if given or options.given(config, "jobs") or options.given(config, "logs"):
            raise LotteryError("--slurm, --jobs and --logs are of jobs: add --engine slurm, or --engine local")
        return None
    if options.given(config, "budget"):
        raise LotteryError("--budget is of a run that computes by itself; of jobs, --slurm time=... limits each")
    if given and engine != "slurm":
        raise LotteryError(f"--slurm {given[0]}: jobs of --engine {engine} ask for nothing; leave it out")
    planned = options.given(config, "plan")
    executors.check_name(engine)
    if not planned:
        executors.check(engine)
    resources(given, True, 0)  # raises where one of them makes no sense
    devices = job_devices(config, engine, given)
    logs = options.given(config, "logs")
    at_once = options.given(config, "jobs") or (
        AT_ONCE if engine == "slurm" else cores() if devices == [CPU] else len(devices)
    )
    if not re.fullmatch(r"[1-9]\d*", str(at_once)):
        raise LotteryError(f"--jobs {at_once}: write how many may be pending or running at a time, such as 8")
    return Sending(
        engine,
        given,
        int(at_once),
        devices,
        logs and user_path(logs).absolute(),
        [*map(str, config.invocation_params.args), *WITHOUT_FILES * bool(getattr(config.option, "xmlpath", None))],
        config.invocation_params.dir,
    )


def job_devices(config: pytest.Config, engine: str, given: Sequence[str]) -> list[str]:
    """Return the devices that jobs share out among themselves."""
    if engine == "local":
        return options.devices(config).names
    partition = dict(option.partition("=")[::2] for option in given).get("partition")
    name = options.given(config, "device")
    there = name == "auto" and slurm.has_gpus(partition)
    return ["cuda"] if wants_gpu(name, given, there) else [CPU]
