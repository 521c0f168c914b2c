"""Live progress: workers leave small files, and whoever owns the terminal shows them."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from uuid import uuid4

from lottery.core.text import cut, in_encoding
from lottery.experiments.attempts import Attempts
from lottery.experiments.batch import Batch
from lottery.plugin.shared_folder import SharedFolder
from lottery.report.answer import counted
from lottery.report.plan_table import duration

EVERY = 0.3  # seconds between two reports of a worker
MINUTE = 60.0  # seconds between two lines where there is no terminal
WIDTH = 80  # columns that are used of a terminal at most
SHOWN = 4  # workers that have a line of their own
TRUSTED = 20.0  # seconds of work for which a plan is rather believed than what was seen of it so far
# Kinds of what workers leave.
PROGRESS, ATTEMPTS, DEATHS, LEFT, DONE = "progress", "attempts", "deaths", "left", "done"
State = Mapping[str, Any]  # what a worker leaves


class Readiness:
    """Which claims have all that they need, asked now and then: each is looked at up to the first thing it lacks."""

    def __init__(self, missing: Mapping[str, Collection], has: Callable[[Any], bool]):
        self._lacking = {claim: list(experiments) for claim, experiments in missing.items()}
        self._has = has

    def __len__(self) -> int:
        """Return how many claims there are."""
        return len(self._lacking)

    def count(self) -> int:
        """Return how many claims lack nothing."""
        for lacking in self._lacking.values():
            while lacking and self._has(lacking[-1]):
                lacking.pop()
        return sum(not lacking for lacking in self._lacking.values())


class Reporter:
    """A worker's side: keeps one file up to date with what it is doing and what it has finished.

    Work is counted in network-steps, and in the seconds of one worker that a plan gives it.
    """

    def __init__(self, shared: SharedFolder, name: str, parent: int | None = None):
        self._shared, self._name, self._parent, self._last = shared, name, parent, 0.0
        self._state: dict[str, object] = {"planned": 0, "finished": 0, "running": 0, "text": ""}
        self._state |= {"seconds": 0.0, "spent": 0.0, "spending": 0.0, "claims": 0, "ready": 0, "ends": None}
        self._prices: Mapping[Any, float] = {}
        self._readiness = Readiness({}, lambda experiment: True)
        self._spent = self._priced = 0.0  # planned seconds of what is finished, and of the batch in progress
        self.attempts: Attempts = SharedAttempts(shared, name) if parent is not None else Attempts()

    def begin(
        self,
        missing: Mapping[str, Collection],
        prices: Mapping[Any, float],
        has: Callable[[Any], bool],
        ends: float | None = None,
    ) -> None:
        """Tell what is missing by claim, in how many seconds a worker computes each, and when training is to end.

        `has` says whether an experiment is done, `ends` is a time.monotonic().
        """
        self._prices, self._readiness = prices, Readiness(missing, has)
        steps, seconds = sum(one.steps for one in prices), sum(prices.values())
        self._write(planned=steps, seconds=seconds, claims=len(missing), ends=ends)

    def watch(self, batch: Batch) -> None:
        """Tell about the batch in progress. A worker whose controller was killed ends here: nobody waits for it."""
        self._end_if_alone()
        if batch.iteration == 0:
            self._priced = sum(self._prices.get(one, 0.0) for one in batch.experiments)
        if batch.iteration == 0 or time.monotonic() - self._last > EVERY:
            self._write(running=batch.steps, spending=batch.share * self._priced, text=describe(batch))

    def wait(self, experiments: int) -> None:
        """Tell that so many experiments are waited for, which other processes compute."""
        self._end_if_alone()
        if time.monotonic() - self._last > EVERY:
            told = f"waiting for {experiments} experiments of another process, or what rests on them"
            self._write(running=0, spending=0.0, text=told)

    def finish(self, steps: int) -> None:
        """Tell how many network-steps are done so far."""
        self._spent, self._priced = self._spent + self._priced, 0.0
        self._write(finished=steps, running=0, spent=self._spent, spending=0.0)

    def end(self, left: Mapping[str, float], computed: int = 0, room: float | None = None) -> None:
        """Tell in how many seconds all workers would compute what is left, by the reason why it is left.

        `computed` is how many networks this one finished, `room` how many seconds a budget left for training.
        """
        self._shared.leave(LEFT, self._name, dict(left))
        self._shared.leave(DONE, self._name, {"networks": computed, "room": room})

    def jobs(self, finished: Iterable[Any], text: str) -> None:
        """Tell which experiments jobs have finished so far, and how the jobs are."""
        done = list(finished)
        steps, spent = sum(one.steps for one in done), sum(self._prices.get(one, 0.0) for one in done)
        self._write(finished=steps, running=0, spent=spent, spending=0.0, text=text)

    def _end_if_alone(self) -> None:
        if self._parent is not None and os.getppid() != self._parent:
            os._exit(1)

    def _write(self, **news: object) -> None:
        self._state |= news | {"ready": self._readiness.count()}
        self._last = time.monotonic()
        self._shared.leave(PROGRESS, self._name, self._state)


class SharedAttempts(Attempts):
    """A worker's attempts, where the controller finds them if the worker dies."""

    def __init__(self, shared: SharedFolder, name: str):
        self._shared, self._name = shared, name

    def begin(self, batch: Mapping[str, str]) -> None:
        """Say what this process begins to compute."""
        self._shared.leave(ATTEMPTS, self._name, dict(batch))

    def end(self) -> None:
        """Say that this process is done with it."""
        (self._shared.place(ATTEMPTS) / f"{self._name}.json").unlink(missing_ok=True)

    def deaths(self) -> list[Mapping[str, str]]:
        """Return what each of the processes that died was computing."""
        return self._shared.found(DEATHS)


def died(shared: SharedFolder, name: str) -> list[str]:
    """Return what a worker that died was computing, the network and the arm of each, and keep that for the others."""
    batch = dict(shared.named(ATTEMPTS)).get(name)
    if not batch:
        return []
    shared.leave(DEATHS, uuid4().hex, batch)
    (shared.place(ATTEMPTS) / f"{name}.json").unlink(missing_ok=True)
    return list(batch.values())


def describe(batch: Batch) -> str:
    """Return one line about a batch: network, arms, rounds, replicas, iteration."""
    first = batch.experiments[0]
    arms = Counter(one.arm.name for one in batch.experiments)
    name = next(iter(arms)) if len(arms) == 1 else f"{len(arms)} arms"
    rounds = sorted({one.round for one in batch.experiments})
    span = f"round {rounds[0]}" if len(rounds) == 1 else f"rounds {rounds[0]} to {rounds[-1]}"
    span = f"  {span}" if first.arm.by_round else ""
    where = f"iteration {batch.iteration:,} of {first.steps:,}" if first.steps else "evaluating masks"
    return f"{first.setting.network}  {name}{span}  x{len(batch.experiments)}  {where}"


def trained_steps(shared: SharedFolder) -> int:
    """Return the network-steps that all workers together have finished."""
    return sum(state["finished"] for state in shared.found(PROGRESS))


def left_over(shared: SharedFolder) -> dict[str, float]:
    """Return in how many seconds all workers would compute what is left, by the reason: the least that any says.

    That is the one that ended last, since what is left only grows less.
    """
    costs: dict[str, float] = {}
    for told in shared.found(LEFT):
        costs |= {why: min(seconds, costs.get(why, seconds)) for why, seconds in told.items()}
    return costs


def under_budget(shared: SharedFolder, budget: float) -> str:
    """Return what came of a budget that was not enough: networks that this run trained, or why there are none."""
    ended = shared.found(DONE)
    if networks := sum(one["networks"] for one in ended):
        done = counted(networks, "network", "networks")
        return f"within its budget this run computed {done}, and all of it is kept: the next run goes on from there"
    room = max([0.0, *(one["room"] for one in ended if one["room"] is not None)])
    around = f"starting, judging and reporting take {duration(budget - room)} of the budget of {duration(budget)} here"
    return f"this run computed no network: {around}, and the rest was too short for one; a larger budget gets further"


def time_left(states: Collection[State], elapsed: float) -> float:
    """Return in how many seconds all workers together will have computed what was planned.

    That is the plan's time, stretched as what is done so far took longer or shorter than planned.
    """
    planned = max((state["seconds"] for state in states), default=0.0)
    done = sum(state["spent"] + state["spending"] for state in states)
    workers = max(1, len(states))
    stretch = (TRUSTED + elapsed * workers) / (TRUSTED + done)
    return max(0.0, planned - done) / workers * stretch


def told(states: Collection[State], elapsed: float, now: float) -> str:
    """Return in one line of 80 columns at most how far the workers are after so many seconds, at a time.monotonic()."""
    planned = max((state["planned"] for state in states), default=0)
    done = min(planned, sum(state["finished"] + state["running"] for state in states))
    claims, ready = (max((state[name] for state in states), default=0) for name in ("claims", "ready"))
    seconds = max((state["seconds"] for state in states), default=0.0)
    spent = sum(state["spent"] + state["spending"] for state in states)
    left, ends = time_left(states, elapsed), [state["ends"] - now for state in states if state["ends"] is not None]
    lasts = f"about {duration(left)} left"
    if ends and min(ends) < left:
        lasts = f"budget over in {duration(max(0.0, min(ends)))}"
    share = min(1.0, spent / seconds) if seconds else 1.0
    line = f"training {share:4.0%}, {ready}/{claims} claims ready, {_counted(done, planned)}, {lasts}"
    return cut(line, WIDTH)


def _counted(done: int, planned: int) -> str:
    """Return network-steps of those planned, in a unit that suits them."""
    for unit, size in ((" G", 1e9), (" M", 1e6), (" k", 1e3)):
        if planned >= size:
            digits = 0 if planned >= 100 * size else 1
            return f"{done / size:.{digits}f}/{planned / size:.{digits}f}{unit} steps"
    return f"{done}/{planned} steps"


def of_workers(states: Iterable[tuple[str, State]], width: int) -> list[str]:
    """Return a line about what each of the first workers computes, and how many more there are."""
    busy = [(name, state["text"]) for name, state in states if state["text"]]
    lines = [cut(f"  {name}  {text}", width) for name, text in busy[:SHOWN]]
    more = len(busy) - SHOWN
    return lines + [f"  and {more} more worker{'s' * (more > 1)}"] * (more > 0)


class Display:
    """The terminal's side: a thread that shows what the workers do until `stop`; nothing while nothing is trained.

    Where there is no terminal, it says so in a line now and then.
    """

    def __init__(self, shared: SharedFolder, file, live: bool, ended: threading.Event | None = None):
        self._shared, self._file, self._live = shared, file, live
        self._ended = ended or threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the display away."""
        self._ended.set()
        self._thread.join()

    def _show(self) -> None:
        while not self._ended.wait(EVERY):
            if any(state["text"] for state in self._shared.found(PROGRESS)):
                break
        else:
            return
        started = time.monotonic()
        if self._live:
            self._show_live(started)
        while not self._ended.wait(MINUTE):
            states = self._shared.found(PROGRESS)
            waiting = [state["text"] for state in states if state["text"].startswith("waiting")]
            for line in (self._line(states, started), *dict.fromkeys(waiting)):
                self._file.write(in_encoding(f"{line}\n", getattr(self._file, "encoding", None)))
            self._file.flush()

    @staticmethod
    def _line(states: Collection[State], started: float) -> str:
        now = time.monotonic()
        return told(states, now - started, now)

    def _show_live(self, started: float) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        self._file.write("\n")
        console = Console(file=self._file)
        with Live(console=console, transient=True, refresh_per_second=3) as live:
            while not self._ended.wait(EVERY):
                width, states = min(WIDTH, console.width), dict(self._shared.named(PROGRESS))
                lines = [cut(self._line(list(states.values()), started), width), *of_workers(states.items(), width)]
                live.update(Text("\n".join(lines), no_wrap=True, overflow="crop"))
