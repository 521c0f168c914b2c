"""One process's part in a run of the benchmarks: training before the first test, judging, and the report at the end.

Three roles run this code: the only process under -n0, the controller and the workers under -n. Workers train and judge;
the controller shows progress, gathers the results from a folder that all share, sets the exit status and writes the
report. Every run of pytest in the environment makes a `Run`, so what is heavy is imported once claims were collected.
"""

import functools
import hashlib
import importlib
import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from shlex import quote
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from lottery.claims.claims_folders import holds_claims
from lottery.core.errors import DeviceFailure, LotteryError, SuiteWarning, told
from lottery.core.paths import user_path
from lottery.core.text import in_encoding, printable
from lottery.plugin import options
from lottery.plugin.shared_folder import SharedFolder

if TYPE_CHECKING:
    from lottery.claims.baselines import Baseline
    from lottery.claims.claim import Claim
    from lottery.claims.entries import Entry
    from lottery.experiments.plan import Plan
    from lottery.jobs.request import Request
    from lottery.plugin.progress import Display
    from lottery.plugin.run_report import RunReport
    from lottery.plugin.sending import Sending
    from lottery.plugin.session import Session


OWN = {  # what can be a user's own, and the module that registers it, imported only then
    "criterion": "lottery.masks.own_criteria",
    "as": "lottery.masks.replaced_criteria",
    "treatment": "lottery.masks.own_treatments",
    "dataset": "lottery.experiments.own_datasets",
    "network": "lottery.experiments.own_networks",
}

JOBS = ("engine", "slurm", "jobs", "logs")  # options of jobs


UNDER_CONTRACT = ("criterion", "as", "treatment")  # the kinds that are called before anything is trained


PROPERTIES = ("verdict", "estimate", "interval", "region", "unit", "expected_verdict", "analogue", "n", "seconds",
              "test")  # fmt: skip  # of a result that `--junitxml` has
OF_PARTS = ("estimate", "interval", "region")  # of these, what a conjunction has in its parts alone


# The statuses that a report decides on; the last is what pytest-xdist says where no worker was left to report a test.
OURS = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class Run:
    """One process's part in a run of the benchmarks. It does nothing where no claims are collected."""

    def __init__(self, config: pytest.Config):
        self.config, self.chosen = config, options.Chosen(config)
        self.started, self.began = time.time(), time.monotonic()  # for people; for all that is counted
        self.given: Mapping[str, Any] = getattr(config, "workerinput", {})  # what the controller tells a worker
        if options.given(config, "plan") and self._distributed():
            raise LotteryError("--plan works in one process: add -n0, or run lottery plan")
        budget = options.budget(config)
        self.deadline = self.given.get("lottery_deadline") or (self.began + budget if budget else None)
        self.shared = SharedFolder(self.given.get("lottery_folder"))
        if not self.given:
            config.add_cleanup(self.shared.remove)
        self.baseline = None if self.given or options.given(config, "request") else self._read_baseline()
        self.remarks = self._load_own()
        self.sending = None if self.given else self._sending()
        self.request = self._read_request()
        self.collected: list[str] = []
        self.lost: list[str] = []  # what is wrong with files of claims that could not be imported
        self.report: RunReport | None = None
        self.status = 0  # that the run ends with
        self.error = ""
        self.session: Session | None = None
        self.planned: Plan | None = None
        self.plan_budget: float | None = None  # seconds for training
        self.planned_jobs = ""
        self.display: Display | None = None

    def _read_baseline(self) -> "Baseline | None":
        """Return the baseline that is named; the stored one is read once the run knows its claims."""
        path = options.given(self.config, "baseline")
        update, exact = (options.given(self.config, name) for name in ("update-expected", "baseline-exact"))
        others = ("baseline", "baseline-exact", "plan", "as")
        if update and (too := [f"--{name}" for name in others if options.given(self.config, name)]):
            raise LotteryError(f"--update-expected rewrites the stored baseline: leave out {' and '.join(too)}")
        if path == options.NO_BASELINE and exact:
            raise LotteryError("--baseline-exact needs something to compare with: leave out --baseline none")
        if not path or path == options.NO_BASELINE:
            return None
        from lottery.claims import baselines

        try:
            return baselines.of_scale(baselines.read(user_path(path)), self.chosen.scale.name)
        except LotteryError as error:
            raise LotteryError(f"--baseline {error}") from None

    def _tables(self) -> dict[str, Path]:
        """Return the folder of each paper's table of the stored baseline, whether it is there yet or not."""
        found = {paper: Path(place) for left in self.shared.found("tables") for paper, place in left.items()}
        here = Path.cwd()
        return {paper: of.relative_to(here) if of.is_relative_to(here) else of for paper, of in found.items()}

    def _compared_with(self) -> "Baseline | None":
        """Return what the run is compared with: what is named, else the stored baseline where it has rows."""
        if self.baseline is not None or options.given(self.config, "baseline"):
            return self.baseline
        from lottery.claims.baselines import stored

        return stored(dict.fromkeys(self._tables().values()))

    def _sending(self) -> "Sending | None":
        """Return how jobs are sent, where jobs compute for this run."""
        asked = [name for name in JOBS if options.given(self.config, name)]
        if not asked or options.given(self.config, "request"):
            return None
        if self._distributed():
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

    def _load_own(self) -> list[str]:
        """Register what the user gave, data sets before the networks that train on them; return remarks on criteria.

        Whoever begins the run holds criteria and treatments to their contract, before workers start and before anything
        is trained, in a process that they may end.
        """
        remarks: list[str] = []
        for kind, where in OWN.items():
            names: list[str] = []
            for option in options.own(self.config, kind):
                module = importlib.import_module(where)
                if kind in UNDER_CONTRACT and not self.given:
                    remarks += _rehearsed(kind, module, option)
                name = module.load(option)
                if name in names:
                    raise LotteryError(f"--{kind} {option}: {name!r} is given twice")
                self.config.add_cleanup(functools.partial(module.forget, name))
                names.append(name)
        return remarks

    # what a worker, or the only process, does

    def pytest_exception_interact(self, node, call, report):
        """Say in one line why a file of claims cannot be imported, instead of how pytest came to know."""
        if isinstance(node, pytest.Module) and holds_claims(node.path):
            report.longrepr = report.lost_claims = _why_not_imported(node.path, call.excinfo.value)

    def pytest_collectreport(self, report):
        """Remember it, of all workers' reports once."""
        if not self.given and (told := getattr(report, "lost_claims", "")):
            self.lost.append(told)

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self):
        """Leave out what is asked of a user's own where none is given: it is no test, and not counted."""
        made = yield
        return [one for one in made if _claim(one) or not _is_of_own(one)] if isinstance(made, list) else made

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        """Find out what is asked for, before anything is deselected."""
        if not claims_imported():
            return
        benchmarks = {claim.file for _, claim in _claims(items)}
        if benchmarks:
            try:
                self.session = self._session(benchmarks)
            except LotteryError as error:
                self.error = str(error)
            else:
                _name_by_codes(items, self.session.known.entries)

    def _session(self, benchmarks: set[Path]) -> "Session":
        """Return the session of the claims of these files; raise where an option, the folder or an entry is wrong."""
        from lottery.claims.baselines import beside, committed
        from lottery.claims.claim import STATED
        from lottery.claims.claims_folders import expected_file, paper_of
        from lottery.claims.resolved import entries_of
        from lottery.plugin.session import Options, Session
        from lottery.store.store import store_folder

        scale, precision = self.chosen.scale, self.chosen.precision
        devices, store = self.chosen.devices, store_folder(options.given(self.config, "store"))
        device, sharing = devices.of(self._slot(), self.given.get("workercount", 1))
        options.check_results_folder(self.config)
        chosen = Options(scale, store, device, precision, self.deadline, self.began, devices.by_name, sharing)
        stated = benchmarks & set(STATED)
        tables = {paper_of(file): str(beside(expected_file(file), scale.name)) for file in stated}
        if options.given(self.config, "update-expected"):
            _check_ours_to_write(tables.values())
        self.shared.leave("tables", self.given.get("workerid", "main"), tables)
        return Session(chosen, entries_of(stated), committed(map(expected_file, stated), scale.name))

    def _slot(self) -> int:
        """Return this process's place among the workers: one that replaces another has its place, and so its GPU."""
        from filelock import FileLock, Timeout

        for place in range(self.given["workercount"] if self.given else 0):
            self._held = FileLock(self.shared.place("slots") / f"{place}.lock")  # until this process ends
            with suppress(Timeout):
                self._held.acquire(blocking=False)
                return place
        return 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session):
        """Workers train before they report for tests, so that a worker that dies in training is simply replaced."""
        if self.error:
            self._give_up(self.error)
        if self.given and self.session is not None:
            self.shared.leave("claims", self.given["workerid"], [item.nodeid for item, _ in _claims(session.items)])
            self.shared.leave("faults", self.given["workerid"], self.session.known.faults)
            self._train(session)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        option = session.config.option
        if self.lost and session.testsfailed == len(self.lost):  # other files of claims know nothing of these
            option.continue_on_collection_errors = True
        if not self._distributed() and self.session is not None:
            if options.given(self.config, "plan"):
                return self._plan(session)
            if self.request:
                return self._compute(session, self.request)
            self.collected = [item.nodeid for item, _ in _claims(session.items)]
            if not session.testsfailed or option.continue_on_collection_errors:
                self._train(session)

    def _compute(self, session, request: "Request") -> bool:
        """Compute what a run elsewhere asks of this job, and judge nothing."""
        from lottery.jobs.request import write_answer
        from lottery.plugin.progress import Reporter

        try:
            asked = self._asked([item for item, claim in _claims(session.items) if claim.id in request.claims])
            self._begin_display()  # a line a minute in the job's log
            try:
                failed = asked.compute(request.keys, Reporter(self.shared, "job", os.getppid()))
            finally:
                self._end_display()
            write_answer(Path(options.given(self.config, "request")), failed)
        except LotteryError as error:
            self._give_up(str(error))
        return True

    def _asked(self, items: list[pytest.Item]) -> "Session":
        """Return the session, told of the claims that were selected."""
        assert self.session is not None
        for _, claim in _claims(items):
            self.session.ask(claim)
        return self.session

    def _plan(self, session) -> bool:
        """Keep what would be trained, or which jobs would be sent, for the summary, instead of running anything."""
        try:
            if _claims(session.items):
                asked = self._asked(session.items)
                session.testsfailed = len(asked.errors) + len(self.lost)
                if self.sending:
                    self.planned_jobs = asked.jobs_table(self.sending)
                else:
                    self.planned, self.plan_budget = asked.plan()
        except LotteryError as error:
            self._give_up(str(error))
        return True

    def _train(self, session) -> None:
        if not _claims(session.items) or self._only_shown():
            return
        from lottery.plugin.progress import Reporter

        name, failure = self.given.get("workerid", "main"), ""
        if not self.given:
            self._begin_display()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SuiteWarning)  # all others are dealt with as the user asks
            try:
                reporter = Reporter(self.shared, name, os.getppid() if self.given else None)
                self._asked(session.items).train(self.given.get("workercount", 1), reporter, self.sending)
            except DeviceFailure as error:
                failure = str(error)
            except LotteryError as error:
                self._give_up(str(error))
            finally:
                self._end_display()
                own = [str(warning.message) for warning in caught if issubclass(warning.category, SuiteWarning)]
                self.shared.leave("warnings", name, own + [failure] * bool(failure))
        if failure:
            self._end_without_device(failure)
        if self.session is not None and self.session.worker is not None:
            for place, device in enumerate(self.session.devices_used(bool(self.sending))):
                self.shared.leave("devices", f"{name}-{place}", device)
            self.shared.leave("code", name, self.session.definitions())
        for warning in caught:
            if not issubclass(warning.category, SuiteWarning):
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)

    def _end_without_device(self, failure: str) -> NoReturn:
        """End a process whose GPU failed. A worker is replaced; `pytest_testnodedown` says why it went."""
        if not self.given:
            self._give_up(failure)
        os._exit(1)  # at once: waiting for that GPU may take for ever

    def _give_up(self, message: str) -> NoReturn:
        """End the run with one message."""
        if not self.given:
            self.error, self.collected = "", []  # pytest prints it; there is nothing to report
            raise pytest.UsageError(message)
        self.shared.leave("error", self.given["workerid"], message)
        pytest.exit(message, returncode=pytest.ExitCode.USAGE_ERROR)

    def judge(self, claim: "Claim", item: pytest.Item) -> None:
        """Leave the claim's result for the controller, and give the test the outcome that belongs to the verdict."""
        from lottery.claims import judging

        assert self.session is not None
        result = self.session.result(claim)
        left = {"node": item.nodeid, "result": result, "measured": self.session.blocks(claim)}
        name = hashlib.blake2b(item.nodeid.encode(), digest_size=8).hexdigest()
        self.shared.leave("results", name, left)
        item.user_properties += _properties(result)
        if result["verdict"] == "skipped":
            pytest.skip(result["reason"])
        if result["error"]:
            pytest.fail(result["reason"], pytrace=False)
        if judging.fails(result, result["counts"]):
            pytest.fail(_failure(result), pytrace=False)
        if judging.deviates(result):
            item.user_properties.append(("deviates", "not counted"))

    # what the controller, or the only process, does

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        if options.claims_asked(self.config):
            self.shared.own()
        node.workerinput |= {"lottery_folder": str(self.shared.path), "lottery_deadline": self.deadline}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        """Say what a worker died of, and let the others know; end them quietly if one gave up."""
        if self.shared.found("error"):  # the summary has the message
            distributed: Any = self.config.pluginmanager.get_plugin("dsession")
            distributed.triggershutdown()
        elif error and (terminal := self.config.pluginmanager.get_plugin("terminalreporter")):
            from lottery.plugin.progress import died

            name = node.gateway.id
            for told in dict(self.shared.named("warnings")).get(name, []):
                terminal.write_line(f"{name}: {told}")
            if subjects := died(self.shared, name):
                several = dict.fromkeys(subjects)
                what = f"{len(subjects)} networks of {'; '.join(list(several)[:3])}{' ...' if len(several) > 3 else ''}"
                terminal.write_line(f"{name} died while it computed {what}; they are tried again one by one")

    def pytest_report_header(self):
        """Say what became of a GPU that there seems to be, before workers start; alone, once claims were collected."""
        if not self.given and self._distributed() and options.claims_asked(self.config):
            return self._notes()

    def pytest_report_collectionfinish(self):
        if self.session is not None and not self._distributed():
            return self._notes()

    def _notes(self) -> list[str]:
        """Return what whoever runs claims should know before they are trained."""
        device = ""
        with suppress(LotteryError):  # which is told where it ends the run
            device = self.chosen.devices.note
        return [note for note in (device, options.taken()) if note]

    def pytest_sessionstart(self):
        if not self.given and self._distributed() and options.claims_asked(self.config):
            self._begin_display()

    def _begin_display(self) -> None:
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None and not self._only_shown():
            from lottery.plugin.progress import Display

            self.display = Display(self.shared, terminal._tw._file, terminal.isatty)

    def _end_display(self) -> None:
        if self.display is not None:
            self.display.stop()
            self.display = None

    def pytest_runtest_logreport(self, report):
        self._end_display()

    def pytest_sessionfinish(self, session):
        self._end_display()
        if self.given:
            return
        found = self.shared.found("results")
        self.collected = sorted({*self.collected, *(id for ids in self.shared.found("claims") for id in ids)})
        if errors := self.shared.found("error"):
            self.error = errors[0]
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif found or (self.collected and not self._only_shown()):
            self._finish(session, found)
        self.status = int(session.exitstatus)

    def _only_shown(self) -> bool:
        """Return whether tests are only collected, or only their fixtures shown, so that nothing is to be trained."""
        option = self.config.option
        return bool(option.collectonly or option.setuponly or option.setupplan)

    def _ended_early(self, session) -> bool:
        """Return whether somebody interrupted the run; what ends it after so many failures (-x) does not count."""
        most = self.config.option.maxfail
        stopped = most and session.testsfailed >= most
        if stopped and session.exitstatus == pytest.ExitCode.INTERRUPTED:  # so pytest-xdist calls it
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return session.exitstatus == pytest.ExitCode.INTERRUPTED

    def _finish(self, session, found: list[dict]) -> None:
        """Make the report, write it, and set the exit status."""
        from lottery.plugin import progress, run_report

        warned = {note for notes in self.shared.found("warnings") for note in [*notes, self.chosen.devices.note]}
        warned |= {*self._died_of()}
        used = sorted(set(self.shared.found("devices"))) or self.chosen.devices.names
        self.report = run_report.RunReport(
            scale=self.chosen.scale,
            results_folder=options.results_folder(self.config),
            found=found,
            code={name: of for left in self.shared.found("code") for name, of in left.items()},
            missing=sorted(set(self.collected) - {left["node"] for left in found}),
            baseline=self._compared_with(),
            named=self.baseline is not None,
            exact=options.given(self.config, "baseline-exact"),
            tables=self._tables() if options.given(self.config, "update-expected") else None,
            strict=bool(getattr(self.config.option, "strict", False)),
            faults=[*self.lost, *self._faults()],
            interrupted=self._ended_early(session),
            warnings=[*self.remarks, *sorted(filter(None, warned))],
            command=self.config.invocation_params.args,
            costs=progress.left_over(self.shared),
            passing=options.given(self.config, "passing"),
            replaced=dict(option.partition("=")[::2] for option in options.own(self.config, "as")),
        )
        where = run_report.environment(used, self.chosen.precision)
        steps = progress.trained_steps(self.shared)
        self.report.make(self.started, time.monotonic() - self.began, steps, where)
        try:
            self.report.update()
            self.report.write()
        except LotteryError as error:
            self.error, session.exitstatus = str(error), pytest.ExitCode.USAGE_ERROR
            return
        if session.exitstatus in OURS:  # an internal error stays one
            others = session.testsfailed - self.report.count_failures()  # tests that are no claims, or broke
            failed = self.report.failed or others > 0
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if failed else pytest.ExitCode.OK

    def _faults(self) -> list[str]:
        """Return what is wrong with the files of entries."""
        told = [fault for faults in self.shared.found("faults") for fault in faults]
        return list(dict.fromkeys([*told, *(self.session.known.faults if self.session else ())]))

    def _died_of(self) -> list[str]:
        """Return remarks about workers that died, and about what could not be read of what they left."""
        from lottery.plugin.progress import DEATHS

        deaths = self.shared.found(DEATHS)
        several = sorted({subject for batch in deaths for subject in batch.values()})
        named = "; ".join(several[:5]) + (f" and {len(several) - 5} more" if len(several) > 5 else "")
        lines = [f"{len(deaths)} worker{'s' * (len(deaths) > 1)} died while they computed {named}"] if deaths else []
        if self.shared.unreadable:
            lines.append(f"{self.shared.unreadable} files that workers left could not be read, in {self.shared.path}")
        return lines

    def pytest_keyboard_interrupt(self, excinfo):
        """Say at once that the interrupt arrived: workers keep what they have, and end, which takes a while."""
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal and not self.given and self._distributed() and excinfo.type is KeyboardInterrupt:
            self._end_display()
            terminal.write_line("\ninterrupted: waiting for the workers to end")
            terminal.flush()

    def pytest_terminal_summary(self, terminalreporter):
        if self.given:
            return
        if self.status == pytest.ExitCode.NO_TESTS_COLLECTED and options.claims_asked(self.config) and not self.error:
            words = self.config.option.keyword
            told = (
                f"no claim was selected{f' by -k {quote(words)}' if words else ''}: lottery list -k WORDS finds claims"
            )
            terminalreporter.write_line(f"{told} by name, number or statement", yellow=True)
        if self.report is not None:
            self.report.show(terminalreporter, self.status, options.given(self.config, "table"))
        if self.planned:
            from lottery.report.plan_table import plan_table

            terminalreporter.write_sep("=", f"lottery, scale {self.chosen.scale.name}: what would be trained")
            codes = self.session.codes() if self.session else {}
            width = terminalreporter._tw.fullwidth
            shown = plan_table(self.planned, options.workers(self.config), codes, self.plan_budget, width)
            terminalreporter.write_line(in_encoding(shown, terminalreporter._tw._file.encoding))
            for error in self.session.errors if self.session else ():
                terminalreporter.write_line(f"ERROR: {error}", red=True)
        if self.planned_jobs:
            terminalreporter.write_line(in_encoding(self.planned_jobs, terminalreporter._tw._file.encoding))
        if self.error:
            terminalreporter.write_line(f"ERROR: {self.error}", red=True)

    def _distributed(self) -> bool:
        return bool(self.given) or bool(getattr(self.config.option, "tx", None))


def _rehearsed(kind: str, module: ModuleType, option: str) -> list[str]:
    """Return remarks on what a user gave, once loaded and held to its contract apart; raise where it breaks that."""
    from lottery.core.apart import Ended, apart
    from lottery.masks import contract, own_criteria

    def rehearsal() -> list[str]:
        name = module.load(option)
        own = name in own_criteria.FINGERPRINTS  # the suite's are tested
        return contract.check(name) if own else []

    try:
        return apart(rehearsal)
    except Ended as error:
        raise LotteryError(f"--{kind} {option}: it was tried on made-up weights, and {error}; it must return") from None


def _why_not_imported(file: Path, error: BaseException) -> str:
    """Return why a file of claims could not be imported, with the file and the line."""
    cause = error.__cause__ or error
    if isinstance(cause, SyntaxError):
        place, line, what = cause.filename or file, cause.lineno, f"{type(cause).__name__}: {cause.msg}"
    else:
        frames = traceback.extract_tb(cause.__traceback__)
        own = [frame for frame in frames if Path(frame.filename) == file] or frames
        place, line, what = own[-1].filename, own[-1].lineno, told(cause)
    with suppress(ValueError):
        place = Path(place).relative_to(Path.cwd())
    return f"{place}, line {line}: {printable(what)}; {file.name} cannot be imported, and none of its claims is asked"


def _failure(result: Mapping[str, Any]) -> str:
    """Return why a claim's test fails whose verdict is not the expected one; of an exact claim, what was computed."""
    from lottery.report.results_table import one_more, ours

    found = f"{ours(result) or result['reason']}{one_more(result)}, expected {result['expected_verdict']}"
    return f"{result['verdict']}: {found}. {result['statement']}"


def _properties(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a result's properties for `--junitxml`: texts as they are, all else as JSON, of a conjunction by part."""
    found = {name: result[name] for name in PROPERTIES}
    if result["parts"]:
        found |= {name: {part["name"]: part[name] for part in result["parts"]} for name in OF_PARTS}
    known = {name: value for name, value in found.items() if value not in (None, "")}
    return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in known.items()]


def _check_ours_to_write(tables: Iterable[str]) -> None:
    """Raise where tables came with an installed package."""
    for place in tables:
        if {"site-packages", "dist-packages"} & set(Path(place).parts):
            raise LotteryError(
                f"--update-expected: {place} came with the package. Run the claims of a checkout, or keep a baseline "
                "of your own: lottery baseline results FOLDER, then --baseline FOLDER"
            )


def claims_imported() -> bool:
    """Return whether a module that was collected states claims; most runs of pytest know none."""
    return "lottery.claims.claim" in sys.modules


def _claim(item: pytest.Item) -> "Claim | None":
    """Return the claim that a test item states, or None."""
    if not claims_imported():
        return None
    from lottery.claims.claim import Claim

    claim = getattr(getattr(item, "callspec", None), "params", {}).get("claim")
    return claim if isinstance(claim, Claim) else None


def _is_of_own(item: pytest.Item) -> bool:
    """Return whether a test is one that is asked of each of a user's own criteria, treatments or networks."""
    return claims_imported() and hasattr(getattr(item, "function", None), "claim_of")


def _name_by_codes(items: list[pytest.Item], entries: "Mapping[str, Entry]") -> None:
    """Let -k know claims by letter and number, too."""
    for item, claim in _claims(items):
        if entry := entries.get(claim.entry_id):
            item.extra_keyword_matches.add(f"{entry.letter}{entry.number}")


def _claims(items: list[pytest.Item]) -> "list[tuple[pytest.Item, Claim]]":
    """Return the items that state claims, with their claims."""
    return [(item, claim) for item in items if (claim := _claim(item)) is not None]
