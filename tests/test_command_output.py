"""What `lottery run` leaves out of pytest's own words: what its screen says, and nothing else."""

from types import SimpleNamespace

import pytest

from lottery.plugin.command_output import CommandOutput


def report(*properties):
    """Return a failed test's report with these properties."""
    return SimpleNamespace(user_properties=list(properties))


CLAIM, OTHER = report(("verdict", "refuted")), report(("xml", "x"))


def hidden(failed, run=SimpleNamespace(report="made"), **options):  # noqa: B008
    """Return the failures that pytest shows, and whether its counts are as they were afterwards."""
    option = SimpleNamespace(**({"tbstyle": "auto", "reportchars": "fE"} | options))
    config = SimpleNamespace(option=option, pluginmanager=SimpleNamespace(get_plugin=lambda name: run))
    terminal = SimpleNamespace(stats={"passed": ["one"]} | ({"failed": failed} if failed else {}))
    before = {name: list(reports) for name, reports in terminal.stats.items()}
    hook = CommandOutput([]).pytest_terminal_summary(terminal, config)
    next(hook)
    shown = list(terminal.stats.get("failed", []))
    with pytest.raises(StopIteration):
        hook.send(None)
    assert terminal.stats == before
    return shown


def test_failures_of_claims_are_left_out():
    """Those of other tests are shown, and so is a claim that nobody judged, as where a worker died."""
    died = report()
    assert hidden([CLAIM, OTHER, CLAIM, died]) == [OTHER, died]
    assert hidden([]) == [] and hidden([CLAIM]) == []


@pytest.mark.parametrize(
    "given", [{"run": None}, {"run": SimpleNamespace(report=None)}, {"tbstyle": "short"}, {"reportchars": "A"}]
)
def test_all_is_shown_where_no_screen_is_or_somebody_asks(given):
    """A run that gave up has no screen; --tb and -r bring back what pytest has."""
    assert hidden([CLAIM, OTHER], **given) == [CLAIM, OTHER]


def test_a_file_of_settings_that_is_none_is_not_named():
    """A real one is."""
    hook = CommandOutput([]).pytest_report_header()
    next(hook)
    with pytest.raises(StopIteration) as ended:
        hook.send([["rootdir: /a", "configfile: ../../dev/null"], "alone", ["configfile: pyproject.toml"]])
    assert ended.value.value == [["rootdir: /a"], ["alone"], ["configfile: pyproject.toml"]]
