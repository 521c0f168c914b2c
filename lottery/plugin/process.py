"""One process of a run: the only one under -n0; under -n the controller, or a worker that it started."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from lottery.plugin import options
from lottery.plugin.shared_folder import SharedFolder

if TYPE_CHECKING:
    from lottery.plugin.progress import Display

NAME = "lottery-run"  # under which pytest has the run of a process


class Process:
    """Which of them this is, what it shares with the others, and what its terminal shows of all their progress."""

    def __init__(self, config: pytest.Config):
        self.config = config
        self.started, self.began = time.time(), time.monotonic()  # for people; for all that is counted
        self.given: Mapping[str, Any] = getattr(config, "workerinput", {})  # what the controller tells a worker
        self.shared = SharedFolder(self.given.get("lottery_folder"))
        self._display: Display | None = None
        self._place: Any = None  # the lock on this worker's place

    @property
    def is_worker(self) -> bool:
        """Whether it trains and judges for a controller, which alone has a terminal and reports."""
        return bool(self.given)

    @property
    def distributed(self) -> bool:
        """Whether it is one of several."""
        return self.is_worker or bool(getattr(self.config.option, "tx", None))

    @property
    def name(self) -> str:
        """The name under which it leaves things for the others."""
        return self.given.get("workerid", "main")

    @property
    def workers(self) -> int:
        """How many processes train."""
        return self.given.get("workercount", 1)

    @property
    def terminal(self) -> Any:
        """Pytest's reporter; None where there is none, as in a worker."""
        return self.config.pluginmanager.get_plugin("terminalreporter")

    def place(self) -> int:
        """Return its place among the workers: one that replaces another has its place, and so its GPU."""
        from filelock import FileLock, Timeout

        for place in range(self.workers if self.is_worker else 0):
            self._place = FileLock(self.shared.place("slots") / f"{place}.lock")  # until this process ends
            with suppress(Timeout):
                self._place.acquire(blocking=False)
                return place
        return 0

    def begin_display(self) -> None:
        """Show what is trained until `end_display`, where there is a terminal's reporter and anything to train."""
        terminal = self.terminal
        if terminal is not None and not options.only_shown(self.config):
            from lottery.plugin.progress import Display

            self._display = Display(self.shared, terminal._tw._file, terminal.isatty)

    def end_display(self) -> None:
        """Take it away, where it is shown."""
        if self._display is not None:
            self._display.stop()
            self._display = None
