"""Live progress: workers leave small files, and whoever owns the terminal shows them."""

import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from uuid import uuid4

from lottery.experiments.attempts import Attempts
from lottery.experiments.batch import Batch
from lottery.plugin.shared_folder import SharedFolder

EVERY = 0.3  # seconds between two reports of a worker
MINUTE = 60.0  # seconds between two lines where there is no terminal
PROGRESS, ATTEMPTS, DEATHS = "progress", "attempts", "deaths"  # kinds of what workers leave


class Reporter:
    """A worker's side: keeps one file up to date with what it is doing and how many network-steps it has finished."""

    def __init__(self, shared: SharedFolder, name: str, parent: int | None = None):
        self._shared, self._name, self._parent, self._last = shared, name, parent, 0.0
        self._state: dict[str, object] = {"planned": 0, "finished": 0, "running": 0, "text": ""}
        self.attempts: Attempts = SharedAttempts(shared, name) if parent is not None else Attempts()

    def plan(self, steps: int) -> None:
        """Tell how many network-steps are missing at the start."""
        self._write(planned=steps)

    def watch(self, batch: Batch) -> None:
        """Tell about the batch in progress. A worker whose controller was killed ends here: nobody waits for it."""
        self._end_if_alone()
        if batch.iteration == 0 or time.monotonic() - self._last > EVERY:
            self._write(running=batch.steps, text=describe(batch))

    def wait(self, experiments: int) -> None:
        """Tell that so many experiments are waited for, which other processes compute."""
        self._end_if_alone()
        if time.monotonic() - self._last > EVERY:
            self._write(
                running=0, text=f"waiting for {experiments} experiments of another process, or what rests on them"
            )

    def finish(self, steps: int) -> None:
        """Tell how many network-steps are done so far."""
        self._write(finished=steps, running=0)

    def _end_if_alone(self) -> None:
        if self._parent is not None and os.getppid() != self._parent:
            os._exit(1)

    def _write(self, **news: object) -> None:
        self._state |= news
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


class Display:
    """The terminal's side: a thread that shows what the workers do until `stop`; nothing while nothing is trained.

    Where there is no terminal, it says so in a line now and then.
    """

    def __init__(self, shared: SharedFolder, file, live: bool):
        self._shared, self._file, self._live = shared, file, live
        self._ended = threading.Event()
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
            self._file.write(f"{self._told(time.monotonic() - started)}\n")
            self._file.flush()

    def _show_live(self, started: float) -> None:
        from rich.console import Console
        from rich.live import Live

        self._file.write("\n")
        with Live(console=Console(file=self._file), transient=True, refresh_per_second=3) as live:
            while not self._ended.wait(EVERY):
                live.update(self._table(time.monotonic() - started))

    def _told(self, elapsed: float) -> str:
        """Return in one line how far the workers are."""
        states = self._shared.found(PROGRESS)
        done = sum(state["finished"] + state["running"] for state in states)
        planned = max((state["planned"] for state in states), default=0)
        waiting = [state["text"] for state in states if state["text"].startswith("waiting")]
        return f"training: {done:,} of {planned:,} network-steps after {elapsed:.0f} s" + "".join(
            f"; {text}" for text in dict.fromkeys(waiting)
        )

    def _table(self, elapsed: float):
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        states = dict(self._shared.named(PROGRESS))
        planned = max((state["planned"] for state in states.values()), default=0)
        done = sum(state["finished"] + state["running"] for state in states.values())
        known = 0 < done <= planned and elapsed > 2
        left = f"{elapsed * (planned - done) / done:.0f} s left" if known else "estimating"
        bar, whole = ProgressBar(planned or 1, min(done, planned), width=30), Table.grid(padding=(0, 1))
        whole.add_row("training", bar, f"{done:,} of {planned:,} network-steps, {left}")
        lines = [f"{name:8} {state['text']}" for name, state in states.items()]
        return Group(whole, *(Text(line, overflow="ellipsis", no_wrap=True) for line in lines))
