"""The end of a run, for the process that reports: what all of them left becomes the report and the exit status."""

import time
from collections.abc import Iterable, Mapping, Sequence

import pytest

from lottery.claims.baselines import BUDGET
from lottery.plugin import options, progress
from lottery.plugin.baseline_options import BaselineOptions
from lottery.plugin.command_output import CommandOutput
from lottery.plugin.process import Process
from lottery.plugin.run_report import RunReport, environment
from lottery.plugin.shared_folder import SharedFolder

# The statuses that a report decides on; the last is what pytest-xdist says where no worker was left to report a test.
OURS = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def ended_early(session: pytest.Session) -> bool:
    """Return whether somebody interrupted the run; what ends it after so many failures (-x) does not count."""
    most = session.config.option.maxfail
    stopped = most and session.testsfailed >= most
    if stopped and session.exitstatus == pytest.ExitCode.INTERRUPTED:  # so pytest-xdist calls it
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return session.exitstatus == pytest.ExitCode.INTERRUPTED


def report(
    process: Process,
    chosen: options.Chosen,
    baselines: BaselineOptions,
    found: Sequence[Mapping],
    collected: Iterable[str],
    faults: Sequence[str],
    remarks: Sequence[str],
    interrupted: bool,
) -> RunReport:
    """Return the report on what all processes left: `found` by the claims that were judged, of those `collected`."""
    config, shared = process.config, process.shared
    warned = {note for notes in shared.found("warnings") for note in [*notes, chosen.devices.note]}
    warned |= {*_died_of(shared)}
    if (budget := options.budget(config)) and any(left["result"]["reason"] == BUDGET for left in found):
        warned.add(progress.under_budget(shared, budget))
    used = sorted(set(shared.found("devices"))) or chosen.devices.names
    made = RunReport(
        scale=chosen.scale,
        results_folder=options.results_folder(config),
        found=found,
        code={name: of for left in shared.found("code") for name, of in left.items()},
        missing=sorted(set(collected) - {left["node"] for left in found}),
        baseline=baselines.compared_with(),
        named=baselines.named is not None,
        exact=baselines.exact,
        tables=baselines.tables() if baselines.update else None,
        strict=bool(getattr(config.option, "strict", False)),
        faults=faults,
        interrupted=interrupted,
        warnings=[*remarks, *sorted(filter(None, warned))],
        command=_typed(config),
        costs=progress.left_over(shared),
        passing=options.given(config, "passing"),
        replaced=dict(option.partition("=")[::2] for option in options.own(config, "as")),
    )
    where = environment(used, chosen.precision)
    made.make(process.started, time.monotonic() - process.began, progress.trained_steps(shared), where)
    return made


def _typed(config: pytest.Config) -> Sequence[str]:
    """Return the arguments as somebody typed them: `lottery run` adds some of its own for pytest."""
    plugins = config.pluginmanager.get_plugins()
    return next((one.typed for one in plugins if isinstance(one, CommandOutput)), config.invocation_params.args)


def _died_of(shared: SharedFolder) -> list[str]:
    """Return remarks about workers that died, and about what could not be read of what they left."""
    deaths: list[Mapping[str, str]] = shared.found(progress.DEATHS)
    several = sorted({subject for batch in deaths for subject in batch.values()})
    named = "; ".join(several[:5]) + (f" and {len(several) - 5} more" if len(several) > 5 else "")
    lines = [f"{len(deaths)} worker{'s' * (len(deaths) > 1)} died while they computed {named}"] if deaths else []
    if shared.unreadable:
        lines.append(f"{shared.unreadable} files that workers left could not be read, in {shared.path}")
    return lines


def set_status(session: pytest.Session, made: RunReport) -> None:
    """Set the exit status: 1 where the report says so, or tests failed that are no claims; an internal error stays."""
    if session.exitstatus in OURS:
        others = session.testsfailed - made.count_failures()  # tests that are no claims, or broke
        failed = made.failed or others > 0
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if failed else pytest.ExitCode.OK
