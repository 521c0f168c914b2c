"""One process's part in a run of the benchmarks, as pytest's hooks call for it: before tests, for each, and at the end.

Three roles run this code: the only process under -n0, the controller and the workers under -n. Workers train and judge;
the controller shows progress, gathers the results from a folder that all share, sets the exit status and writes the
report. Every run of pytest in the environment makes a `Run`, so what is heavy is imported once claims were collected.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from lottery.claims.claims_folders import holds_claims
from lottery.core.errors import LotteryError
from lottery.core.shell import quote
from lottery.plugin import collection, options, outcomes
from lottery.plugin.baseline_options import BaselineOptions
from lottery.plugin.process import Process
from lottery.plugin.registration import data_read, other_data, register
from lottery.plugin.unasked import ASKS, lacking

if TYPE_CHECKING:
    from lottery.claims.claim import Claim
    from lottery.jobs.request import Request
    from lottery.plugin.run_report import RunReport
    from lottery.plugin.sending import Sending
    from lottery.plugin.session import Session
    from lottery.plugin.work import Work

JOBS = ("engine", "slurm", "jobs", "logs")  # options of jobs


class Run:
    """One process's part in a run of the benchmarks. It does nothing where no claims are collected."""

    def __init__(self, config: pytest.Config):
        self.config, self.chosen = config, options.Chosen(config)
        self.process = Process(config)
        if options.given(config, "plan") and self.process.distributed:
            raise LotteryError("--plan works in one process: add -n0, or run lottery plan")
        budget = options.budget(config)
        ends = self.process.began + budget if budget else None
        self.deadline = self.process.given.get("lottery_deadline") or ends
        self.baselines = BaselineOptions(self.process)
        reports = not self.process.is_worker
        if reports:
            config.add_cleanup(self.process.shared.remove)
        if reports and not options.given(config, "request"):
            self.baselines.read(self.chosen)
        self.remarks = register(config, rehearse=reports)
        self.sending = self._sending() if reports else None
        self.request = self._read_request()
        self.collected: list[str] = []
        self.lost: list[str] = []  # what is wrong with files of claims that could not be imported
        self.work: Work | None = None  # once claims were collected
        self.report: RunReport | None = None
        self.status = 0  # that the run ends with
        self.error = other_data(self.process.given.get("lottery_data", {}))

    def _sending(self) -> "Sending | None":
        """Return how jobs are sent, where jobs compute for this run."""
        asked = [name for name in JOBS if options.given(self.config, name)]
        if not asked or options.given(self.config, "request"):
            return None
        if self.process.distributed:
            raise LotteryError(f"--{asked[0]}: jobs are sent by one process; leave out -n, or add -n0")
        from lottery.plugin.sending import sending

        return sending(self.config)

    def _read_request(self) -> "Request | None":
        """Return what this process computes for a run elsewhere, where it is a job of that."""
        path = options.given(self.config, "request")
        if not path:
            return None
        from lottery.jobs.request import read

        return read(Path(path))

    # what a worker, or the only process, does

    def pytest_exception_interact(self, node, call, report):
        """Say in one line why a file of claims cannot be imported, instead of how pytest came to know."""
        if isinstance(node, pytest.Module) and holds_claims(node.path):
            report.longrepr = report.lost_claims = collection.why_not_imported(node.path, call.excinfo.value)

    def pytest_collectreport(self, report):
        """Remember it, of all workers' reports once."""
        if not self.process.is_worker and (told := getattr(report, "lost_claims", "")):
            self.lost.append(told)

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self):
        """Leave out what is asked of a user's own where none is given: it is no test, and not counted."""
        made = yield
        if not isinstance(made, list):
            return made
        return [one for one in made if collection.claim_of(one) or not collection.is_of_own(one)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        """Find out what is asked for, before anything is deselected."""
        benchmarks = {claim.file for claim in collection.claims(items)}
        if benchmarks:
            try:
                session = self._session(benchmarks)
            except LotteryError as error:
                self.error = str(error)
            else:
                from lottery.plugin.work import Work

                self.config.add_cleanup(session.close)
                self.work = Work(self.process, session, self.sending)
                collection.name_by_codes(items, session.known.entries)

    def _session(self, benchmarks: set[Path]) -> "Session":
        """Return the session of the claims of these files; raise where an option, the folder or an entry is wrong."""
        from lottery.claims.baselines import committed
        from lottery.claims.claim import STATED
        from lottery.claims.claims_folders import expected_file
        from lottery.claims.resolved import entries_of
        from lottery.plugin.session import Options, Session
        from lottery.plugin.unasked import ASKS
        from lottery.store.store import store_folder

        scale, precision = self.chosen.scale, self.chosen.precision
        devices, store = self.chosen.devices, store_folder(options.given(self.config, "store"))
        device, sharing = devices.of(self.process.place(), self.process.workers)
        options.check_results_folder(self.config)
        began = self.process.began
        own = any(options.own(self.config, kind) for kind in ASKS)
        chosen = Options(scale, store, device, precision, self.deadline, began, devices.by_name, sharing, own)
        stated = benchmarks & set(STATED)
        self.baselines.leave_tables(stated, scale.name)
        return Session(chosen, entries_of(stated), committed(map(expected_file, stated), scale.name))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session):
        """Workers train before they report for tests, so that a worker that dies in training is simply replaced."""
        if self.error:
            self._give_up(self.error)
        if self.process.is_worker and self.work is not None:
            shared, name = self.process.shared, self.process.name
            shared.leave("claims", name, collection.nodes(session.items))
            shared.leave("faults", name, self.work.session.known.faults)
            self._train(session, self.work)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        option = session.config.option
        if self.lost and session.testsfailed == len(self.lost):  # other files of claims know nothing of these
            option.continue_on_collection_errors = True
        if self.process.distributed or self.work is None:
            return None
        if options.given(self.config, "plan"):
            return self._plan(session, self.work)
        if self.request:
            with self._giving_up():
                file = Path(options.given(self.config, "request"))
                self.work.compute(collection.claims(session.items), self.request, file)
            return True
        self.collected = collection.nodes(session.items)
        if not session.testsfailed or option.continue_on_collection_errors:
            self._train(session, self.work)
        return None

    def _plan(self, session, work: "Work") -> bool:
        """Plan for the summary, instead of running anything."""
        if claims := collection.claims(session.items):
            with self._giving_up():
                work.plan(claims)
                session.testsfailed = len(work.session.errors) + len(self.lost)
        return True

    def _train(self, session, work: "Work") -> None:
        claims = collection.claims(session.items)
        if claims and not options.only_shown(self.config):
            with self._giving_up():
                work.train(claims)

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Let what is wrong end the run."""
        try:
            yield
        except LotteryError as error:
            self._give_up(str(error))

    def _give_up(self, message: str) -> NoReturn:
        """End the run with one message."""
        if not self.process.is_worker:
            self.error, self.collected = "", []  # pytest prints it; there is nothing to report
            raise pytest.UsageError(message)
        self.process.shared.leave("error", self.process.name, message)
        pytest.exit(message, returncode=pytest.ExitCode.USAGE_ERROR)

    def judge(self, claim: "Claim", item: pytest.Item) -> None:
        """Leave the claim's result for the controller, and give the test the outcome that belongs to the verdict."""
        assert self.work is not None
        outcomes.settle(item, self.work.judge(claim, item.nodeid))

    # what the controller, or the only process, does

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        shared = self.process.shared
        if options.claims_asked(self.config):
            shared.own()
        told = {"lottery_folder": str(shared.path), "lottery_deadline": self.deadline}
        node.workerinput |= told | {"lottery_data": data_read(self.config)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        """Say what a worker died of, and let the others know; end them quietly if one gave up."""
        if self.process.shared.found("error"):  # the summary has the message
            distributed: Any = self.config.pluginmanager.get_plugin("dsession")
            distributed.triggershutdown()
        elif error and (terminal := self.process.terminal):
            from lottery.plugin.progress import died

            name, shared = node.gateway.id, self.process.shared
            for told in dict(shared.named("warnings")).get(name, []):
                terminal.write_line(f"{name}: {told}")
            if subjects := died(shared, name):
                several = dict.fromkeys(subjects)
                what = f"{len(subjects)} networks of {'; '.join(list(several)[:3])}{' ...' if len(several) > 3 else ''}"
                terminal.write_line(f"{name} died while it computed {what}; they are tried again one by one")

    def pytest_report_header(self):
        """Say what became of a GPU that there seems to be, before workers start; alone, once claims were collected."""
        if self._controls_claims():
            return self._notes()

    def pytest_report_collectionfinish(self):
        if self.work is not None and not self.process.distributed:
            return self._notes()

    def _controls_claims(self) -> bool:
        """Return whether this is the controller of workers that are asked for claims."""
        return not self.process.is_worker and self.process.distributed and options.claims_asked(self.config)

    def _notes(self) -> list[str]:
        """Return what whoever runs claims should know before they are trained."""
        device = ""
        with suppress(LotteryError):  # which is told where it ends the run
            device = self.chosen.devices.note
        return [note for note in (device, options.taken()) if note]

    def pytest_sessionstart(self):
        if self._controls_claims():
            self.process.begin_display()

    def pytest_runtest_logreport(self, report):
        self.process.end_display()

    def pytest_sessionfinish(self, session):
        self.process.end_display()
        if self.process.is_worker:
            return
        shared = self.process.shared
        found = shared.found("results")
        self.collected = sorted({*self.collected, *(id for ids in shared.found("claims") for id in ids)})
        if errors := shared.found("error"):
            self.error = errors[0]
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif found or (self.collected and not options.only_shown(self.config)):
            self._finish(session, found)
        self.status = int(session.exitstatus)

    def _finish(self, session, found: list[dict]) -> None:
        """Make the report, write it, and set the exit status."""
        from lottery.plugin import run_end

        faults, interrupted = [*self.lost, *self._faults()], run_end.ended_early(session)
        self.report = run_end.report(
            self.process, self.chosen, self.baselines, found, self.collected, faults, self.remarks, interrupted
        )
        try:
            self.report.update()
            run_end.set_status(session, self.report)
            self.report.write(int(session.exitstatus))
        except LotteryError as error:
            self.error, session.exitstatus = str(error), pytest.ExitCode.USAGE_ERROR

    def _faults(self) -> list[str]:
        """Return what is wrong with the files of entries."""
        told = [fault for faults in self.process.shared.found("faults") for fault in faults]
        return list(dict.fromkeys([*told, *(self.work.session.known.faults if self.work else ())]))

    def pytest_keyboard_interrupt(self, excinfo):
        """Say at once that the interrupt arrived: workers keep what they have, and end, which takes a while."""
        controls = self.process.distributed and not self.process.is_worker
        if (terminal := self.process.terminal) and controls and excinfo.type is KeyboardInterrupt:
            self.process.end_display()
            terminal.write_line("\ninterrupted: waiting for the workers to end")
            terminal.flush()

    def pytest_terminal_summary(self, terminalreporter):
        if self.process.is_worker:
            return
        if self.status == pytest.ExitCode.NO_TESTS_COLLECTED and options.claims_asked(self.config) and not self.error:
            words = self.config.option.keyword
            told = f"no claim was selected{f' by -k {quote(words)}' if words else ''}"
            given = {kind: options.own(self.config, kind) for kind in ASKS}
            found = lacking(" ".join([words, *self.config.args]), given) or (
                "lottery list -k WORDS finds claims by name, number or statement"
            )
            terminalreporter.write_line(f"{told}: {found}", yellow=True)
        if self.report is not None:
            self.report.show(terminalreporter, self.status, options.given(self.config, "table"))
        if self.work is not None:
            self.work.show_plan(terminalreporter, self.remarks)
        if self.error:
            terminalreporter.write_line(f"ERROR: {self.error}", red=True)
