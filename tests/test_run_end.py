"""What ends a run early, and how many workers died in it."""

from types import SimpleNamespace

import pytest

from lottery.plugin.command_output import CommandOutput
from lottery.plugin.progress import DEATHS
from lottery.plugin.run_end import _died_of, _typed, ended_early
from lottery.plugin.shared_folder import SharedFolder

INTERRUPTED, FAILED = pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    "most, failed, status, early, after",
    [
        (0, 3, INTERRUPTED, True, INTERRUPTED),
        (1, 0, INTERRUPTED, True, INTERRUPTED),
        (1, 1, INTERRUPTED, False, FAILED),
        (0, 3, FAILED, False, FAILED),
    ],
)
def test_so_many_failures_are_no_interrupt(most, failed, status, early, after):
    """-x ends a run with workers by the same status as Ctrl-C does."""
    config = SimpleNamespace(option=SimpleNamespace(maxfail=most))
    session = SimpleNamespace(config=config, testsfailed=failed, exitstatus=status)
    assert ended_early(session) == early and session.exitstatus == after


def test_deaths_are_told_with_what_was_computed(tmp_path):
    """Each network once, and at most five; files that cannot be read are counted."""
    shared = SharedFolder(str(tmp_path / "run"))
    assert _died_of(shared) == []
    shared.leave(DEATHS, "first", {key: f"net {key}" for key in "abcd"})
    shared.leave(DEATHS, "second", {key: f"net {key}" for key in "cdef"})
    (shared.place(DEATHS) / "third.json").write_text("{")
    deaths, unreadable = _died_of(shared)
    assert deaths == "2 workers died while they computed net a; net b; net c; net d; net e and 1 more"
    assert unreadable == f"1 files that workers left could not be read, in {shared.path}"


@pytest.mark.parametrize(
    "plugins, kept", [([CommandOutput(["-n", "auto"])], ["-n", "auto"]), ([], ["benchmarks", "-x"])]
)
def test_a_run_is_told_by_what_was_typed(plugins, kept):
    """What `lottery run` adds for pytest is left out; of `pytest benchmarks` its arguments are."""
    manager = SimpleNamespace(get_plugins=lambda: [object(), *plugins])
    config = SimpleNamespace(pluginmanager=manager, invocation_params=SimpleNamespace(args=["benchmarks", "-x"]))
    assert _typed(config) == kept
