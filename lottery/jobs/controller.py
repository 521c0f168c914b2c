"""The controller: submits jobs when what they rest on is there, watches them, and says what cannot be had.

It looks at the store and at the queue alone. Nobody has to be told of its end: jobs go on without it, and the same
command later finds in the store what they came to.
"""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lottery.core.errors import SuiteWarning
from lottery.experiments.all_parts import parents
from lottery.experiments.experiment import Experiment
from lottery.jobs import slurm
from lottery.jobs.executors import Executor, last_words
from lottery.jobs.grouping import Job, heights
from lottery.jobs.request import Request, answer_file, read_answer
from lottery.jobs.task import Task
from lottery.store.store import Store

LOOK = {"slurm": 5.0, "local": 0.5}  # seconds between two looks
PATIENCE = {"slurm": 60.0, "local": 0.0}  # seconds in which what a job wrote comes into sight over a network


@dataclass
class Running:
    """A job with its executor: where its request lies, on which device it computes, since when it is over."""

    handle: Any
    request: Path
    device: str
    over: float | None = None
    state: str = slurm.PENDING
    reason: str = ""


@dataclass
class Progress:
    """How far the jobs are: what of theirs is in the store, and how many jobs are over, running and pending."""

    finished: Sequence[Experiment]
    jobs: int
    done: int
    running: int
    pending: int
    reason: str = ""
    silent: bool = False  # whether Slurm's queue does not answer

    @property
    def text(self) -> str:
        """One line of at most 64 columns."""
        parts = [f"{self.done} of {self.jobs} jobs over", f"{self.running} running", f"{self.pending} pending"]
        if self.silent:
            return f"{parts[0]}; squeue does not answer"
        return ", ".join(parts) + (f" ({self.reason:.14})" if self.reason and self.pending else "")


@dataclass
class Controller:
    """Runs jobs. `key` names an experiment in the store, `request` makes the request of some of them on a device."""

    jobs: Sequence[Job]
    executor: Executor
    store: Store
    key: Callable[[Experiment], str]
    request: Callable[[Sequence[Experiment], str], Request]
    folder: Path  # of requests and logs
    devices: Sequence[str]  # that jobs share out among themselves
    at_once: int
    tell: Callable[[Progress], None] = lambda progress: None
    failed: dict[Experiment, str] = field(default_factory=dict)  # why an experiment cannot be had
    _running: dict[int, Running] = field(default_factory=dict)
    _over: set[int] = field(default_factory=set)

    def run(self) -> dict[Experiment, str]:
        """Return why some experiments cannot be had, once all jobs are over. Interrupted, it cancels them."""
        waiting = set(range(len(self.jobs)))
        turn = heights(self.jobs)
        look = LOOK[self.executor.name]
        try:
            while waiting or self._running:
                there = self._watch()
                ready = sorted((n for n in waiting if self.jobs[n].needs <= self._over), key=lambda n: -turn[n])
                began = self._begin(ready, there)
                waiting -= began
                self.tell(self._progress(there))
                if self._running and not began & self._over:  # what has nothing to do lets others begin at once
                    time.sleep(look)
        except KeyboardInterrupt:
            self._cancel()
            raise
        return self.failed

    def _progress(self, there: set[str]) -> Progress:
        states = [one.state for one in self._running.values()]
        finished = [one for job in self.jobs for one in job.experiments if self.key(one) in there]
        running, silent = states.count(slurm.RUNNING), slurm.UNKNOWN in states
        reason = next((one.reason for one in self._running.values() if one.reason), "")
        pending = len(self.jobs) - len(self._over) - running
        return Progress(finished, len(self.jobs), len(self._over), running, pending, reason, silent)

    def _begin(self, ready: Sequence[int], there: set[str]) -> set[int]:
        """Submit jobs, as many as may be pending or running at a time; return which began, or had nothing to do."""
        began: set[int] = set()
        chosen: dict[int, list[Experiment]] = {}
        for number in ready:
            if len(self._running) + len(chosen) >= self.at_once:
                break
            began.add(number)
            if wanted := self._wanted(self.jobs[number], there):
                chosen[number] = wanted
            else:
                self._over.add(number)
        for alike in self._alike(chosen).values():
            self._submit({number: chosen[number] for number in alike})
        return began

    def _alike(self, chosen: Mapping[int, Sequence[Experiment]]) -> dict[object, list[int]]:
        """Return jobs by what they ask for: those of one kind go into one array."""
        kinds: dict[object, list[int]] = {}
        for number in chosen:
            kinds.setdefault(self.executor.kind(self.jobs[number].seconds), []).append(number)
        return kinds

    def _submit(self, chosen: Mapping[int, list[Experiment]]) -> None:
        """Write the requests of jobs, and submit them."""
        placed: dict[int, tuple[Path, str]] = {}
        for number, wanted in chosen.items():
            used = [one.device for one in self._running.values()] + [device for _, device in placed.values()]
            device = min(self.devices, key=used.count)
            file = self.folder / f"{number}.json"
            answer_file(file).unlink(missing_ok=True)
            self.request(wanted, device).write(file)
            placed[number] = (file, device)
        tasks = [Task(str(file)) for file, _ in placed.values()]
        handles = self.executor.submit(tasks, max(self.jobs[number].seconds for number in chosen))
        for (number, (file, device)), handle in zip(placed.items(), handles):
            self._running[number] = Running(handle, file, device)

    def _wanted(self, job: Job, there: set[str]) -> list[Experiment]:
        """Return what is still missing of a job; what rests on something that cannot be had fails at once."""
        wanted = []
        for one in job.experiments:
            if self.key(one) in there:
                continue
            if lost := next((parent for parent in parents(one) if parent in self.failed), None):
                self.failed[one] = self.failed[lost]
            else:
                wanted.append(one)
        return wanted

    def _watch(self) -> set[str]:
        """Look at the queue and then at the store, settle what is over, and return the keys of what is there."""
        states = self.executor.look([one.handle for one in self._running.values()]) if self._running else {}
        there = self.store.keys()  # after the queue: whatever a job that is over has written is among them
        for number, one in list(self._running.items()):
            one.state, one.reason = states[one.handle.job_id]
            if one.state == slurm.OVER and self._settled(number, one, there):
                del self._running[number]
                self._over.add(number)
        return there

    def _settled(self, number: int, one: Running, there: set[str]) -> bool:
        """Return whether all is known of a job that is over; what it did not compute has failed then."""
        answer = read_answer(one.request)
        why = answer or {}
        job = self.jobs[number]
        lacking = [ex for ex in job.experiments if self.key(ex) not in there and ex not in self.failed]
        unexplained = [ex for ex in lacking if self.key(ex) not in why]
        if unexplained:
            one.over = one.over or time.monotonic()
            if time.monotonic() - one.over < PATIENCE[self.executor.name]:
                return False
        for ex in lacking:
            self.failed[ex] = why.get(self.key(ex), self._told(job, one, len(unexplained)))
        if unexplained:
            warnings.warn(self._told(job, one, len(unexplained)), SuiteWarning, stacklevel=2)
        return True

    def _told(self, job: Job, one: Running, lacking: int) -> str:
        """Return what to tell of a job that ended before it had computed everything."""
        ended, words = self.executor.ended(one.handle), last_words(one.handle)
        what = (
            f"the job {one.handle.job_id} ({job.name}) ended{f' as {ended}' if ended else ''} without {lacking} of its "
        )
        what += f"{len(job.experiments)} networks" + (f": {words}" if words else "")
        return f"{what}; its log is {one.handle.paths.stderr}, and the same command tries again what is missing"

    def _cancel(self) -> None:
        self.executor.cancel([one.handle for one in self._running.values()])
        many = len(self._running)
        warnings.warn(
            f"{many} jobs were cancelled; what they had finished is in {self.store.folder}, and the same command goes "
            "on from there",
            SuiteWarning,
            stacklevel=2,
        )
