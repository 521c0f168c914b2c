"""The work of a worker, or of the only process: it trains for the claims that are selected, and judges them.

It plans or computes for a run elsewhere instead, where that is asked.
"""

import hashlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from lottery.claims.claim import Claim
from lottery.core import checkout
from lottery.core.errors import DeviceFailure, SuiteWarning
from lottery.core.text import in_encoding, printable, shown_in
from lottery.jobs.request import Request, write_answer
from lottery.plugin import options
from lottery.plugin.process import Process
from lottery.plugin.progress import Reporter
from lottery.plugin.session import Session
from lottery.plugin.unasked import ASKS, unasked
from lottery.report.plan_table import plan_table

if TYPE_CHECKING:
    from lottery.experiments.plan import Plan
    from lottery.plugin.sending import Sending

# The folders that have the engine, and all that it uses (`lottery/experiments/engine.py`).
WINGS = tuple(
    f"lottery/{wing}" for wing in ("core", "data", "experiments", "masks", "models", "planting", "store", "training")
)


class Work:
    """What is done in a process's session. Whatever ends the run is raised, as a `LotteryError`."""

    def __init__(self, process: Process, session: Session, sending: "Sending | None"):
        self.process, self.session, self._sending = process, session, sending
        self._planned: Plan | None = None
        self._budget: float | None = None  # seconds for training
        self._jobs = ""  # the table of jobs that would be sent
        self._unasked: list[str] = []  # lines on what was given in vain

    def _ask(self, claims: Sequence[Claim]) -> Session:
        """Return the session, told of the claims that were selected."""
        for claim in claims:
            self.session.ask(claim)
        config = self.process.config
        given = {kind: options.own(config, kind) for kind in ASKS}
        self._unasked = unasked(given, self.session.asked.values(), config.option.keyword)
        return self.session

    def train(self, claims: Sequence[Claim]) -> None:
        """Compute what the claims need, and leave for whoever reports what with, and what there was to say."""
        shared, name = self.process.shared, self.process.name
        failure = ""
        if not self.process.is_worker:
            self.process.begin_display()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SuiteWarning)  # all others are dealt with as the user asks
            try:
                reporter = Reporter(shared, name, os.getppid() if self.process.is_worker else None)
                self._ask(claims).train(self.process.workers, reporter, self._sending)
            except DeviceFailure as error:
                failure = str(error)
            finally:
                self.process.end_display()
                own = [str(warning.message) for warning in caught if issubclass(warning.category, SuiteWarning)]
                told = [*own, *self._unasked, *self._of_the_engine(), *[failure] * bool(failure)]
                shared.leave("warnings", name, told)
        if failure:
            self._end_without_device(failure)
        self._leave_origin()
        for warning in caught:
            if not issubclass(warning.category, SuiteWarning):
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)

    def _of_the_engine(self) -> list[str]:
        """Return what to know where somebody edited the engine and the store has results of it: keys do not show that.

        Only an edited checkout is looked at, which takes a quarter of a second where the engine may be what is edited.
        """
        if self.session.worker is None or not checkout.edited(*WINGS):
            return []
        from lottery.experiments.engine import unconfirmed

        return list(filter(None, [unconfirmed()]))

    def _end_without_device(self, failure: str) -> None:
        """End a process whose GPU failed. A worker is replaced; `pytest_testnodedown` says why it went."""
        if not self.process.is_worker:
            raise DeviceFailure(failure)
        os._exit(1)  # at once: waiting for that GPU may take for ever

    def _leave_origin(self) -> None:
        """Leave the devices and the code that the results come from."""
        if self.session.worker is not None:
            for place, device in enumerate(self.session.devices_used(bool(self._sending))):
                self.process.shared.leave("devices", f"{self.process.name}-{place}", device)
            self.process.shared.leave("code", self.process.name, self.session.definitions())

    def compute(self, claims: Sequence[Claim], request: Request, file: Path) -> None:
        """Compute what a run elsewhere asks of this job, and judge nothing; write the answer beside its file."""
        asked = self._ask([claim for claim in claims if claim.id in request.claims])
        self.process.begin_display()  # a line a minute in the job's log
        try:
            failed = asked.compute(request.keys, Reporter(self.process.shared, "job", os.getppid()))
        finally:
            self.process.end_display()
        write_answer(file, failed)

    def plan(self, claims: Sequence[Claim]) -> None:
        """Find out what would be trained, or which jobs would be sent, for `show_plan`."""
        asked = self._ask(claims)
        if self._sending:
            self._jobs = asked.jobs_table(self._sending)
        else:
            self._planned, self._budget = asked.plan()
        self._unasked += self._of_the_engine()

    def show_plan(self, terminal, remarks: Sequence[str]) -> None:
        """Show it, with the remarks on what the user gave; nothing where nothing was planned."""
        if not (self._planned or self._jobs):
            return
        encoding = terminal._tw._file.encoding
        if self._planned:
            terminal.write_sep("=", f"lottery, scale {self.session.options.scale.name}: what would be trained")
            workers, width = options.workers(self.process.config), terminal._tw.fullwidth
            with shown_in(encoding):
                shown = plan_table(self._planned, workers, self.session.codes(), self._budget, width)
            terminal.write_line(in_encoding(shown, encoding))
            for error in self.session.errors:
                terminal.write_line(f"ERROR: {error}", red=True)
        if self._jobs:
            terminal.write_line(in_encoding(self._jobs, encoding))
        for remark in [*remarks, *self._unasked]:
            for line in wrap(f"- {printable(remark)}", terminal._tw.fullwidth, subsequent_indent="  "):
                terminal.write_line(in_encoding(line, encoding), yellow=True)

    def judge(self, claim: Claim, node: str) -> dict[str, Any]:
        """Return the claim's result, and leave it for the process that reports, under its test's node id."""
        result = self.session.result(claim)
        name = hashlib.blake2b(node.encode(), digest_size=8).hexdigest()
        left = {"node": node, "result": result, "measured": self.session.blocks(claim)}
        self.process.shared.leave("results", name, left)
        return result
