"""What pytest leaves out where `lottery run` starts it: what its screen says already, and what helps nobody.

`pytest benchmarks` shows all that it always shows.
"""

import os
from collections.abc import Generator, Sequence

import pytest

from lottery.plugin.process import NAME

AS_PYTEST_HAS_THEM = {"tbstyle": "auto", "reportchars": "fE"}  # the options --tb and -r where nobody gives them
NO_SETTINGS = f"/{os.devnull.strip('/')}"  # how a path ends to the empty file of settings of the package's claims


class CommandOutput:
    """A plugin for pytest; `typed` are the arguments that somebody gave to `lottery run`."""

    def __init__(self, typed: Sequence[str]):
        self.typed = typed

    @pytest.hookimpl(wrapper=True)
    def pytest_report_header(self) -> Generator[None, list, list]:
        """Leave out the file of settings where it is none."""
        told = yield
        return [[line for line in _lines(of) if not _names_no_settings(line)] for of in told]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> Generator[None, object, object]:
        """Leave out the failures of judged claims, unless --tb or -r asks for them; they are counted all the same."""
        run, failed = config.pluginmanager.get_plugin(NAME), terminalreporter.stats.get("failed", [])
        asked = any(getattr(config.option, name) != usual for name, usual in AS_PYTEST_HAS_THEM.items())
        if run is None or run.report is None or asked or not failed:
            return (yield)
        terminalreporter.stats["failed"] = [report for report in failed if not _is_judged(report)]
        try:
            return (yield)
        finally:
            terminalreporter.stats["failed"] = failed


def _is_judged(report: pytest.TestReport) -> bool:
    """Return whether a test is a claim that was judged, whatever came of it."""
    return any(name == "verdict" for name, _ in report.user_properties)


def _lines(told: str | Sequence[str]) -> Sequence[str]:
    return [told] if isinstance(told, str) else told


def _names_no_settings(line: str) -> bool:
    return line.startswith("configfile: ") and line.endswith(NO_SETTINGS)
