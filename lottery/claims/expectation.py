"""Expectations: which verdict other than reproduced is expected, on which basis, and what was changed in a question."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lottery.claims.fields import Table, Text, one_of
from lottery.claims.statistics import INCONCLUSIVE, REFUTED, REPRODUCED, SKIPPED
from lottery.experiments.scales import SCALES

ANY = "any"  # the expected verdict of what no paper speaks of
# Why a verdict other than reproduced is expected. The four are kept apart everywhere.
CONTROL = "control"  # a negative control, which the suite must refute
CONTRADICTION = "contradiction"  # the paper contradicts itself, or an independent rerun or arithmetic contradicts it
BASELINE = "baseline"  # known since a measurement of our own
OPEN = "open"  # nobody has claimed anything
VERDICTS = {CONTROL: (REFUTED,), CONTRADICTION: (REFUTED,), BASELINE: (REFUTED, INCONCLUSIVE), OPEN: (ANY,)}


class Expected(Table):
    """The verdict that is expected, on which basis and why; `since` is the day of the measurement that it rests on."""

    verdict: Literal["reproduced", "refuted", "inconclusive", "any"]
    basis: Literal["", "control", "contradiction", "baseline", "open"] = ""
    because: str = ""
    since: date | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Expected":
        if self.verdict == REPRODUCED:
            if self.basis or self.because or self.since:
                raise ValueError("the verdict reproduced is expected without a basis and a reason")
            return self
        if self.verdict not in VERDICTS.get(self.basis, ()):
            fitting = [basis for basis, verdicts in VERDICTS.items() if self.verdict in verdicts]
            raise ValueError(f"verdict {self.verdict!r} is expected with the basis {' or '.join(fitting)}")
        if not self.because.strip():
            raise ValueError("a verdict other than reproduced is expected with a reason, `because`")
        if (self.basis == BASELINE) != (self.since is not None):
            raise ValueError(f"`since`, a date, goes with the basis {BASELINE!r} and with no other")
        return self


REPRODUCTION = Expected(verdict="reproduced")


class Change(Table):
    """What was changed in a question after it had been measured: when, the former verdict at each scale, and why."""

    on: date
    was: Annotated[
        dict[Annotated[str, one_of(SCALES)], Annotated[str, one_of((REPRODUCED, REFUTED, INCONCLUSIVE, SKIPPED))]],
        Field(min_length=1),
    ]
    why: Text

    def told(self, scale: str) -> str:
        """Return the change in words."""
        return f"{self.on}: {self.why} (it was {self.was[scale]})"
