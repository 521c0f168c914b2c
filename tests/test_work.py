"""The work of a process: what it shows of a plan."""

from types import SimpleNamespace

import pytest

from lottery.plugin.registration import MODULES
from lottery.plugin.work import Work


class Terminal:
    """A terminal of 40 columns that remembers what is written."""

    def __init__(self):
        self._tw = SimpleNamespace(fullwidth=40, _file=SimpleNamespace(encoding="utf-8"))
        self.lines = []

    def write_line(self, line, **markup):
        self.lines.append(line)


REMARK = "criterion 'mine': weights rank otherwise when it is another day"
SHOWN = ["jobs", "- criterion 'mine': weights rank", "  otherwise when it is another day"]


def test_what_is_asked_nothing_stands_below_a_plan(monkeypatch):
    """Whatever the option."""
    monkeypatch.setattr("lottery.plugin.options.own", lambda config, kind: [f"my_{kind}=x.py:f"])
    config = SimpleNamespace(option=SimpleNamespace(keyword=""))
    work, terminal = Work(SimpleNamespace(config=config), SimpleNamespace(asked={}), None), Terminal()
    work._jobs = "jobs"
    work._ask([])
    work.show_plan(terminal, [])
    assert all(f"'my_{kind}'" in " ".join(terminal.lines) for kind in MODULES)


@pytest.mark.parametrize("planned, shown", [("jobs", SHOWN), ("", [])])
def test_remarks_stand_below_a_plan(planned, shown):
    """In lines that fit; without a plan, a run's report has them."""
    work, terminal = Work(SimpleNamespace(config=None), None, None), Terminal()
    work._jobs = planned
    work.show_plan(terminal, [REMARK])
    assert terminal.lines == shown
