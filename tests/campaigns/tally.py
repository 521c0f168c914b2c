"""What a campaign comes to: how often it tried, and what did not hold."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

COLUMNS = ("campaign", "tried", "survived", "lost", "wrong", "hung")


class Hung(BaseException):
    """What was tried took too long. Nothing that catches errors of others catches it."""


@dataclass
class Tally:
    """Tried are so many; of these something was lost, something was wrong, or nothing came in time."""

    name: str
    tried: int = 0
    lost: int = 0
    wrong: int = 0
    hung: int = 0
    stories: list[str] = field(default_factory=list)  # of what did not hold

    def note(self, what: str, story: str) -> None:
        """Count one more as lost, wrong or hung, with what was done."""
        setattr(self, what, getattr(self, what) + 1)
        self.stories.append(f"{self.name}, {what}: {story}")

    @property
    def row(self) -> tuple:
        """The row of the table, in the order of COLUMNS."""
        bad = self.lost + self.wrong + self.hung
        return self.name, self.tried, self.tried - bad, self.lost, self.wrong, self.hung


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise `Hung` in what takes longer."""

    def ring(*_: object) -> None:
        raise Hung(f"nothing after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
