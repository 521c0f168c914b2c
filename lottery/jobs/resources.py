"""What a job asks of Slurm: time by the plan, memory, a processor's core and a GPU, and what the user gives by name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from lottery.core.errors import LotteryError

MARGIN = 1.5  # times the plan, which was measured on another machine
LEAST_MINUTES, MOST_MINUTES = 10, 24 * 60  # that are asked for; what takes longer is put back into the queue
TIMEOUTS = 3  # beyond those that the plan foresees
TORCH = 3.0  # gigabytes of a process that computes nothing yet, on a GPU more than on a processor
OF_GPUS = ("gres", "gpus", "gpus-per-node", "gpus-per-task", "gpus-per-socket")
OURS = ("array", "output", "error", "open-mode", "signal", "requeue", "job-name", "chdir", "ntasks", "ntasks-per-node")
TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")


@dataclass(frozen=True)
class Resources:
    """What every job of a run has: minutes at most, gigabytes, GPUs, and more of sbatch's parameters."""

    minutes: int
    gigabytes: int
    gpus: int
    more: Mapping[str, str]

    @property
    def longest(self) -> float:
        """Seconds that a job's work may be planned at, so that it is done in its time."""
        return 60 * self.minutes / MARGIN

    def minutes_for(self, seconds: float) -> int:
        """Return the minutes that a job asks for which is planned at so many seconds."""
        wanted = LEAST_MINUTES
        while 60 * wanted < MARGIN * seconds:
            wanted *= 2  # few different times, so that few arrays have all jobs
        return min(wanted, self.minutes)

    def timeouts(self, seconds: float) -> int:
        """Return how often a job that is planned at so many seconds may run out of its time."""
        return ceil(MARGIN * seconds / (60 * self.minutes)) - 1 + TIMEOUTS if seconds else TIMEOUTS

    def parameters(self, seconds: float) -> dict[str, Any]:
        """Return submitit's parameters of jobs that are planned at so many seconds at most."""
        given: dict[str, Any] = {"requeue": True} | dict(self.more)
        if self.gpus and not set(given) & set(OF_GPUS):
            given["gpus-per-node"] = self.gpus
        memory = {} if {"mem", "mem-per-cpu", "mem-per-gpu"} & set(given) else {"mem_gb": self.gigabytes}
        cores = {} if "cpus-per-task" in given else {"cpus_per_task": 1}
        return {"timeout_min": self.minutes_for(seconds), "slurm_additional_parameters": given} | memory | cores


def resources(given: Sequence[str], gpu: bool, memory: int) -> Resources:
    """Return what jobs have, by the options --slurm KEY=VALUE; `memory` is what a worker needs in bytes."""
    more: dict[str, str] = {}
    for option in given:
        name, equals, value = option.partition("=")
        name = name.strip().lstrip("-").replace("_", "-")
        if not equals or not name or not value:
            raise LotteryError(f"--slurm {option}: write KEY=VALUE as sbatch has it, such as partition=gpu")
        if name in OURS:
            raise LotteryError(f"--slurm {option}: {name} is what this suite sets; leave it out")
        more[name] = value
    minutes = minutes_of(more.pop("time")) if "time" in more else MOST_MINUTES
    if not gpu:
        more = {name: value for name, value in more.items() if name not in OF_GPUS}
    return Resources(minutes, ceil(TORCH + 1.5 * memory / 2**30), int(gpu), more)


def minutes_of(text: str) -> int:
    """Return the minutes in a time as sbatch has it: minutes, minutes:seconds, [days-]hours:minutes:seconds."""
    match = TIME.fullmatch(text)
    if not match:
        raise LotteryError(f"--slurm time={text}: write minutes or [days-]hours:minutes:seconds, such as 90 or 4:00:00")
    days, *rest = match.groups()
    first, second, third = (int(part or 0) for part in rest)
    if days is not None:  # days-hours[:minutes[:seconds]]
        seconds = ((int(days) * 24 + first) * 60 + second) * 60 + third
    elif rest[2] is not None:  # hours:minutes:seconds
        seconds = (first * 60 + second) * 60 + third
    else:  # minutes[:seconds]
        seconds = first * 60 + second
    if seconds < 120:
        raise LotteryError(
            f"--slurm time={text}: a job needs two minutes at least: it is told 90 seconds before its end"
        )
    return ceil(seconds / 60)


def wants_gpu(device: str, given: Sequence[str], there: bool) -> bool:
    """Return whether jobs ask for a GPU: by --device, or with auto if one is asked for by name or nodes have some."""
    if device == "cpu":
        return False
    if device == "cuda":
        return True
    if device != "auto":
        raise LotteryError(f"--device {device}: a job sees no GPU but its own; write auto, cpu or cuda")
    named = {option.partition("=")[0].strip().lstrip("-").replace("_", "-") for option in given}
    return there or bool(named & set(OF_GPUS))
