"""Live progress: workers leave small files, and whoever owns the terminal shows them."""

import json
import os
import threading
import time
from collections import Counter
from pathlib import Path

from lottery.core.paths import write_whole
from lottery.experiments.batch import Batch

EVERY = 0.3  # seconds between two reports of a worker


class Reporter:
    """A worker's side: keeps one file up to date with what it is doing and how many network-steps it has finished."""

    def __init__(self, folder: Path, name: str, parent: int | None = None):
        self._file, self._last, self._parent = folder / f"{name}.json", 0.0, parent
        self._state: dict[str, object] = {"planned": 0, "finished": 0, "running": 0, "text": ""}

    def plan(self, steps: int) -> None:
        """Tell how many network-steps are missing at the start."""
        self._write(planned=steps)

    def watch(self, batch: Batch) -> None:
        """Tell about the batch in progress. A worker whose controller was killed ends here: nobody waits for it."""
        if self._parent is not None and os.getppid() != self._parent:
            os._exit(1)
        if batch.iteration == 0 or time.monotonic() - self._last > EVERY:
            self._write(running=batch.steps, text=describe(batch))

    def finish(self, steps: int) -> None:
        """Tell how many network-steps are done so far."""
        self._write(finished=steps, running=0)

    def _write(self, **news: object) -> None:
        self._state |= news
        self._last = time.monotonic()
        write_whole(self._file, json.dumps(self._state))


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


def read(folder: Path) -> dict[str, dict]:
    """Return the latest state of every worker that reported."""
    states = {}
    for file in sorted(folder.glob("*.json")):
        try:
            states[file.stem] = json.loads(file.read_text())
        except (OSError, ValueError):
            continue
    return states


def trained_steps(folder: Path) -> int:
    """Return the network-steps that all workers together have finished."""
    return sum(state["finished"] for state in read(folder).values())


class Display:
    """The terminal's side: a thread that shows what the workers do until `stop`; nothing while nothing is trained."""

    def __init__(self, folder: Path, file):
        self._folder, self._file = folder, file
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the display away."""
        self._ended.set()
        self._thread.join()

    def _show(self) -> None:
        from rich.console import Console
        from rich.live import Live

        started = None
        while not self._ended.wait(EVERY):
            if any(state["text"] for state in read(self._folder).values()):
                break
        else:
            return
        self._file.write("\n")
        with Live(console=Console(file=self._file), transient=True, refresh_per_second=3) as live:
            while not self._ended.wait(EVERY):
                started = started or time.monotonic()
                live.update(self._table(time.monotonic() - started))

    def _table(self, elapsed: float):
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        states = read(self._folder)
        planned = max(state["planned"] for state in states.values())
        done = sum(state["finished"] + state["running"] for state in states.values())
        known = 0 < done <= planned and elapsed > 2
        left = f"{elapsed * (planned - done) / done:.0f} s left" if known else "estimating"
        bar, whole = ProgressBar(planned or 1, min(done, planned), width=30), Table.grid(padding=(0, 1))
        whole.add_row("training", bar, f"{done:,} of {planned:,} network-steps, {left}")
        lines = [f"{name:8} {state['text']}" for name, state in states.items()]
        return Group(whole, *(Text(line, overflow="ellipsis", no_wrap=True) for line in lines))
