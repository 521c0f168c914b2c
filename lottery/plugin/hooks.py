"""The pytest side: options, training before the first test, verdicts as test outcomes, the table at the end.

Three roles run this code: the only process under -n0, the controller and the workers under -n. Workers train and judge;
the controller shows progress, gathers the results from a folder that all share, sets the exit status and writes the report.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
import warnings
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from lottery.claims import baselines, comparison, judging
from lottery.claims.claim import STATED, Claim
from lottery.claims.resolved import entries_of
from lottery.claims.results import SCHEMA
from lottery.claims.statistics import INCONCLUSIVE, REFUTED, REPRODUCED, SKIPPED, q_values
from lottery.core.errors import LotteryError, StoreWarning
from lottery.core.machine import cores, processor
from lottery.plugin import options, progress
from lottery.plugin.session import Options, Session, deadline
from lottery.report import tables

NAME = "lottery-run"


def pytest_addoption(parser):
    options.add(parser)


def pytest_configure(config):
    try:
        config.pluginmanager.register(Run(config), NAME)
    except LotteryError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.fixture
def judge(request):
    """Judge a claim: the verdict becomes the outcome of the test."""
    return lambda claim: request.config.pluginmanager.get_plugin(NAME).judge(claim, request.node)


def pytest_generate_tests(metafunc):
    claim_of = getattr(metafunc.function, "claim_of", None)
    if claim_of:
        names = [option.partition("=")[0] for option in metafunc.config.getoption("criterion")]
        metafunc.parametrize("claim", [claim_of(name) for name in names], ids=names)


def pytest_report_teststatus(report):
    if report.when == "call" and report.passed:
        if ("deviates", "by chance") in report.user_properties:
            return "deviating by chance", "d", ("DEVIATES", {"yellow": True})
        if ("verdict", INCONCLUSIVE) in report.user_properties:
            return INCONCLUSIVE, "i", ("INCONCLUSIVE", {"yellow": True})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    if not any("benchmarks" in argument for argument in config.args):
        return None  # pytest-xdist's own meaning, for tests
    try:
        return options.workers(config)
    except LotteryError as error:
        raise pytest.UsageError(str(error)) from None


class Run:
    """One process's part in a run of the benchmarks. It does nothing where no claims are collected."""

    def __init__(self, config: pytest.Config):
        self.config, self.started = config, time.time()
        self.given = getattr(config, "workerinput", {})  # what the controller tells a worker
        self.scale = options.chosen_scale(config)
        self.devices = options.device_names(config)
        self.precision = options.precision(config)
        if config.getoption("plan") and self._distributed():
            raise LotteryError("--plan works in one process: add -n0, or run lottery plan")
        self.deadline = self.given.get("lottery_deadline") or deadline(options.budget(config))
        path = config.getoption("baseline")
        self.baseline = baselines.read(Path(path)) if path and not self.given else None
        self._load_criteria()
        options.check_results_folder(config)
        self.collected: list[str] = []
        self.report: dict[str, object] = {}
        self.error, self.notes = "", []
        self.session: Session | None = None
        self.planned = None
        self.display: progress.Display | None = None

    @cached_property
    def folder(self) -> Path:
        """The folder that all processes of a run share."""
        folder = Path(self.given.get("lottery_folder") or tempfile.mkdtemp(prefix="lottery-"))
        if not self.given:
            self.config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        for name in ("progress", "results", "claims", "warnings"):
            (folder / name).mkdir(exist_ok=True)
        return folder

    def _load_criteria(self) -> None:
        given = self.config.getoption("criterion")
        if given:
            from lottery.masks import criteria

            before = dict(criteria.CRITERIA)
            self.config.add_cleanup(lambda: (criteria.CRITERIA.clear(), criteria.CRITERIA.update(before)))
            for option in given:
                criteria.load(option)

    # what a worker, or the only process, does

    def pytest_collection_modifyitems(self, session, config, items):
        """Find out what is asked for, before anything is deselected."""
        items[:] = [
            item
            for item in items
            if _claim(item) is not None or not hasattr(getattr(item, "function", None), "claim_of")
        ]
        benchmarks = {_claim(item).file for item in items if _claim(item) is not None}
        if not benchmarks:
            return
        try:
            from lottery.store.store import store_folder

            index = int(self.given.get("workerid", "gw0")[2:])
            device = self.devices[index % len(self.devices)]
            chosen = Options(self.scale, store_folder(config.getoption("store")), device, self.precision, self.deadline)
            self.session = Session(chosen, entries_of(benchmarks & set(STATED)))
        except LotteryError as error:
            self.error = str(error)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session):
        """Workers train before they report for tests, so that a worker that dies in training is simply replaced."""
        if self.error:
            self._give_up(self.error)
        if self.given:
            ids = [item.nodeid for item in session.items if _claim(item) is not None]
            (self.folder / "claims" / f"{self.given['workerid']}.json").write_text(json.dumps(ids))
            self._train(session)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        if not self._distributed():
            if self.config.getoption("plan"):
                return self._plan(session)
            self.collected = [item.nodeid for item in session.items if _claim(item) is not None]
            if not session.testsfailed or session.config.option.continue_on_collection_errors:
                self._train(session)

    def _plan(self, session) -> bool:
        """Keep what would be trained for the summary, instead of running anything."""
        claims = [_claim(item) for item in session.items if _claim(item) is not None]
        try:
            for claim in claims:
                self.session.ask(claim)
            self.planned = self.session.plan() if claims else None
        except LotteryError as error:
            self._give_up(str(error))
        return True

    def _train(self, session):
        claims = [_claim(item) for item in session.items if _claim(item) is not None]
        if not claims or session.config.option.collectonly:
            return
        name = self.given.get("workerid", "main")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            try:
                for claim in claims:
                    self.session.ask(claim)
                reporter = progress.Reporter(self.folder / "progress", name, os.getppid() if self.given else None)
                self.session.train(self.given.get("workercount", 1), reporter)
            except LotteryError as error:
                self._give_up(str(error))
            finally:
                self._end_display()
                own = [str(warning.message) for warning in caught if issubclass(warning.category, StoreWarning)]
                (self.folder / "warnings" / f"{name}.json").write_text(json.dumps(own))
        for warning in caught:
            if not issubclass(warning.category, StoreWarning):
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)

    def _give_up(self, message: str):
        """End the run with one message."""
        if not self.given:
            self.error = ""  # pytest prints it
            raise pytest.UsageError(message)
        (self.folder / "error").write_text(message)
        pytest.exit(message, returncode=pytest.ExitCode.USAGE_ERROR)

    def judge(self, claim: Claim, item: pytest.Item) -> None:
        """Leave the claim's result for the controller, and give the test the outcome that belongs to the verdict."""
        result = self.session.results()[claim.id]
        found = {"node": item.nodeid, "result": result, "rows": self.session.rows(claim)}
        file = self.folder / "results" / f"{hashlib.blake2b(item.nodeid.encode(), digest_size=8).hexdigest()}.json"
        file.with_suffix(".part").write_text(json.dumps(found, allow_nan=False))
        os.replace(file.with_suffix(".part"), file)
        item.user_properties.append(("verdict", result["verdict"]))
        if result["verdict"] == SKIPPED:
            pytest.skip(result["reason"])
        if result["error"]:
            pytest.fail(result["reason"], pytrace=False)
        if judging.fails(result, result["counts"]):
            pytest.fail(
                f"{result['verdict']}: {tables.ours(result)}, expected {result['expected_verdict']}. {result['statement']}",
                pytrace=False,
            )
        if judging.deviates(result):
            item.user_properties.append(("deviates", "by chance"))

    # what the controller, or the only process, does

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        node.workerinput |= {"lottery_folder": str(self.folder), "lottery_deadline": self.deadline}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        if (
            self.folder / "error"
        ).exists():  # a worker gave up: end the others quietly, the message comes in the summary
            self.config.pluginmanager.get_plugin("dsession").triggershutdown()

    def pytest_sessionstart(self, session):
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if not self.given and terminal is not None and terminal.isatty:
            self.display = progress.Display(self.folder / "progress", terminal._tw._file)

    def pytest_runtest_logreport(self, report):
        self._end_display()

    def pytest_sessionfinish(self, session, exitstatus):
        self._end_display()
        if self.given:
            return
        found = _read_all(self.folder / "results")
        self.collected = sorted({*self.collected, *(id for ids in _read_all(self.folder / "claims") for id in ids)})
        if (self.folder / "error").exists():
            self.error = (self.folder / "error").read_text()
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif found or (self.collected and not session.config.option.collectonly):
            self._finish(session, found)

    def _finish(self, session, found: list[dict]) -> None:
        """Make the report, write it, and set the exit status."""
        missing = sorted(set(self.collected) - {one["node"] for one in found})
        results = tables.in_order([one["result"] for one in found])
        moves = comparison.compare(results, self.baseline) if self.baseline else []
        self.report = {
            "schema": SCHEMA,
            "scale": self.scale.name,
            "started": datetime.fromtimestamp(self.started, UTC).isoformat(timespec="seconds"),
            "seconds": time.time() - self.started,
            "trained_steps": progress.trained_steps(self.folder / "progress"),
            "environment": self._environment(),
            "claims": [result for result in results if not result["own_criterion"]],
            "criteria": [result for result in results if result["own_criterion"]],
            "q_values": _q_values(results),
            "baseline": moves,
            "no_verdict": missing,
        }
        notes, failed = self._gate(results, moves, missing, session.exitstatus == pytest.ExitCode.INTERRUPTED)
        self.notes = tables.remarks(results) + tables.levels(results) + notes
        self.notes += sorted({note for notes in _read_all(self.folder / "warnings") for note in notes})
        if self.baseline:
            self.notes += comparison.remarks(moves, self.config.getoption("baseline"))
        rows = sorted(
            {tuple(row) for one in found for row in one["rows"]},
            key=lambda row: (row[0], row[9], row[10], row[2], row[1], row[5], row[4]),
        )
        try:
            tables.write(Path(self.config.getoption("results")), self.report, rows, self.notes, self.scale)
        except OSError as error:
            self.error = f"the results cannot be written to {self.config.getoption('results')} ({error}); choose another folder with --results"
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            others = session.testsfailed - sum(
                judging.fails(result, result["counts"]) for result in results
            )  # no claims, or broken
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if failed or others > 0 else pytest.ExitCode.OK

    def _gate(
        self, results: list[dict], moves: list[dict], missing: list[str], interrupted: bool
    ) -> tuple[list[str], bool]:
        """Return remarks about the exit status, and whether it is 1."""
        chance = [result["id"] for result in results if judging.deviates(result) and not result["counts"]]
        lines = [
            f"{id} is other than expected, which among so many claims can be chance (Holm): it does not count"
            for id in chance
        ]
        failed = any(judging.fails(result, result["counts"]) for result in results) or any(
            row["state"] == "drifted" for row in moves
        )
        if missing:
            named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            lines.append(f"{len(missing)} collected claims brought no verdict: {named}")
        if interrupted:
            lines.append("interrupted: everything that was finished is kept, and the same command goes on from there")
        elif not any(result["verdict"] in (REPRODUCED, REFUTED) for result in results):
            lines.append("nothing at all was decided")
            failed = True
        inconclusive = sum(result["verdict"] == INCONCLUSIVE for result in results)
        if inconclusive and getattr(self.config.option, "strict", False):
            lines.append(f"{inconclusive} inconclusive, which fails under --strict")
            failed = True
        return lines, failed or bool(missing)

    def _environment(self) -> dict[str, object]:
        import platform

        versions = {}
        for package in ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pytest", "pytest-xdist"):
            try:
                versions[package] = version(package)
            except PackageNotFoundError:
                versions[package] = None
        device = f"cpu ({processor()})" if self.devices == ["cpu"] else self._gpus()
        return {
            "device": device,
            "precision": self.precision,
            "python": platform.python_version(),
            "system": platform.system(),
            **versions,
        }

    def _gpus(self) -> str:
        import torch

        return ", ".join(f"{device} ({torch.cuda.get_device_name(device)})" for device in self.devices)

    def pytest_terminal_summary(self, terminalreporter):
        if self.given:
            return
        if self.report:
            self._show(terminalreporter)
        if self.planned:
            terminalreporter.write_sep("=", f"lottery, scale {self.scale.name}: what would be trained")
            terminalreporter.write_line(
                tables.plan_table(self.planned, cores() if self.devices == ["cpu"] else len(self.devices))
            )
        if self.error:
            terminalreporter.write_line(f"ERROR: {self.error}", red=True)

    def _show(self, terminal) -> None:
        everything = self.report["claims"] + self.report["criteria"]
        terminal.write_sep("=", tables.heading(self.report))
        if everything:
            terminal.write_line(tables.table(everything, "simple"))
            terminal.write_line("")
        for note in self.notes:
            terminal.write_line(f"- {note}")
        terminal.write_line("")
        terminal.write_line(tables.summary(self.report), bold=True)
        if not self.error:
            terminal.write_line(
                f"written to {self.config.getoption('results')}/results.json, results.md, measurements.csv"
            )
        terminal.write_line(f"scale {self.scale.name}: {self.scale.more}")

    def _end_display(self) -> None:
        if self.display is not None:
            self.display.stop()
            self.display = None

    def _distributed(self) -> bool:
        return bool(self.given) or bool(getattr(self.config.option, "tx", None))


def _claim(item: pytest.Item) -> Claim | None:
    """Return the claim that a test item states, or None."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    claim = parameters.get("claim")
    return claim if isinstance(claim, Claim) else None


def _read_all(folder: Path) -> list:
    """Return the contents of all JSON files in a folder, in the order of their names."""
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]


def _q_values(results: list[dict]) -> dict[str, float]:
    """Return Benjamini and Hochberg's q-values of the hypothesis that a claim's region holds the truth, by claim.

    They hang on which claims were selected, so they stand beside the claims and not among their fields.
    """
    tested = [result for result in results if result["p_outside"] is not None and result["kind"] != "exact"]
    return dict(zip([result["id"] for result in tested], q_values([result["p_outside"] for result in tested])))
