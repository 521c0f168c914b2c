"""Executors: submitit's, of Slurm and of this machine, as far as jobs need them. Their results are never looked at."""

import importlib.util
import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from lottery.core.errors import LotteryError, told
from lottery.core.shell import quote
from lottery.core.text import printable
from lottery.jobs import slurm
from lottery.jobs.resources import Resources
from lottery.jobs.task import Task

NAMES = ("slurm", "local")
NO_SUBMITIT = "--engine {name} needs the package submitit: pip install {extra}, or pip install submitit"
NO_SIGNALS = (
    "--engine {name} tells its jobs of their end by signals, which this system does not have; without it, "
    "lottery run -n auto computes with a process for each GPU or core here"
)
NEEDED = ((signal, "SIGUSR1"), (signal, "SIGUSR2"), (os, "fork"))
WEEK = 7 * 24 * 60  # minutes: a job on this machine is never put back
TAIL = 20_000  # characters of a log that are looked at
OF_ERRORS = re.compile(r"^ERROR|[Ee]rror:|[Kk]illed|CANCELLED|out of memory")

State = tuple[str, str]  # pending, running, over or unknown, and why it is pending


class Executor(Protocol):
    """Who runs jobs."""

    name: str

    def kind(self, seconds: float) -> int:
        """Return what tells jobs apart that are planned at so many seconds: those of a kind go into one array."""

    def submit(self, tasks: Sequence[Task], seconds: float) -> list[Any]:
        """Return submitit's jobs of tasks that are planned at so many seconds at most."""

    def look(self, jobs: Sequence[Any]) -> Mapping[str, State]:
        """Return the state of jobs by their ids."""

    def ended(self, job: Any) -> str:
        """Return how a job that is over ended, as far as that can be told."""

    def cancel(self, jobs: Sequence[Any]) -> None:
        """End jobs that are pending or running."""


def check_name(name: str) -> None:
    """Raise where an engine is unknown."""
    if name not in NAMES:
        raise LotteryError(f"--engine {name}: write {' or '.join(NAMES)}; without it this process computes by itself")


def check(name: str) -> None:
    """Raise where what an engine needs is not there."""
    if not all(hasattr(module, what) for module, what in NEEDED):
        raise LotteryError(NO_SIGNALS.format(name=name))
    if importlib.util.find_spec("submitit") is None:
        raise LotteryError(NO_SUBMITIT.format(name=name, extra=quote("lottery[slurm]")))
    if name == "slurm":
        slurm.check()


@contextmanager
def refusals_told() -> Iterator[None]:
    """Turn what a refused submission raises into one message."""
    import submitit

    try:
        yield
    except (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError, OSError) as error:
        lines = [line for line in str(error).splitlines() if "error:" in line] or [told(error)]
        what = "; ".join(printable(line.replace("sbatch: error:", "").strip()) for line in lines)
        raise LotteryError(f"sbatch refused the jobs: {what}; --slurm KEY=VALUE says what they ask for") from None


class Slurm:
    """Jobs in Slurm's queue, those of about the same length in one array."""

    name = "slurm"

    def __init__(self, logs: Path, resources: Resources):
        self._logs, self._resources = logs, resources

    def kind(self, seconds: float) -> int:
        """Return the minutes that a job asks for."""
        return self._resources.minutes_for(seconds)

    def submit(self, tasks: Sequence[Task], seconds: float) -> list[Any]:
        """Return submitit's jobs of tasks that are planned at so many seconds at most."""
        import submitit

        with refusals_told():
            timeouts = self._resources.timeouts(seconds)
            executor = submitit.AutoExecutor(self._logs, cluster="slurm", slurm_max_num_timeout=timeouts)
            executor.update_parameters(name="lottery", **self._resources.parameters(seconds))
            return executor.submit_array(list(tasks))

    def look(self, jobs: Sequence[Any]) -> Mapping[str, State]:
        """Return the state of jobs by their ids."""
        return slurm.queue([job.job_id for job in jobs])

    def ended(self, job: Any) -> str:
        """Return how a job that is over ended, while Slurm remembers it."""
        found = re.search(r"JobState=(\w+)", slurm.asked("scontrol", "show", "job", "--oneliner", job.job_id) or "")
        return found[1] if found else ""

    def cancel(self, jobs: Sequence[Any]) -> None:
        """End jobs that are pending or running."""
        slurm.asked("scancel", *(job.job_id for job in jobs))


class Local:
    """Jobs as processes of this machine, which all begin at once: whoever submits keeps count of them."""

    name = "local"

    def __init__(self, logs: Path):
        self._logs = logs

    def kind(self, seconds: float) -> int:
        """Return the same for all: here nothing is asked for."""
        return 0

    def submit(self, tasks: Sequence[Task], seconds: float) -> list[Any]:
        """Return submitit's jobs of tasks."""
        import submitit

        executor = submitit.AutoExecutor(self._logs, cluster="local")
        executor.update_parameters(timeout_min=WEEK)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as jobs inherit it: Ctrl-C is for this process alone
        try:
            return executor.submit_array(list(tasks))
        finally:
            signal.signal(signal.SIGINT, before)

    def look(self, jobs: Sequence[Any]) -> Mapping[str, State]:
        """Return the state of jobs by their ids."""
        return {job.job_id: (slurm.OVER if job.done() else slurm.RUNNING, "") for job in jobs}

    def ended(self, job: Any) -> str:
        """Return how a job that is over ended: its log says it all."""
        return ""

    def cancel(self, jobs: Sequence[Any]) -> None:
        """End the processes that watch over jobs; what these run ends within a second when it sees that."""
        for job in jobs:
            job._process.kill()
            job._process.wait()


def last_words(job: Any) -> str:
    """Return the last line of a job's logs that tells of an error, or nothing; or that there is no log at all."""
    found, there = "", False
    for file in (job.paths.stderr, job.paths.stdout):
        try:
            lines = file.read_text(encoding="utf-8", errors="replace")[-TAIL:].splitlines()
        except OSError:
            continue
        there = True
        found = found or next((line for line in reversed(lines) if OF_ERRORS.search(line)), "")
    return f"{printable(found):.300}" if there else "it left no log: is that folder one that all nodes share?"
