"""What a run says of itself as it ends is what `lottery show` and `lottery report` say of it later."""

from types import SimpleNamespace

import pytest

from lottery.claims.baselines import Baseline, rows_of
from lottery.cli.main import main
from lottery.experiments.scales import SCALES
from lottery.plugin.run_end import set_status
from lottery.plugin.run_report import RunReport
from tests.result_helpers import result

ENVIRONMENT = {"device": "cpu", "precision": "float32", "torch": "2.14.1"}
SEEDS = [85.0, 85.5, 86.15, 85.2, 85.9]
OPEN = result("zhou2019.open[x]", verdict="inconclusive", counts=False)
BEFORE = Baseline({"zhou2019.claim[lenet-300-100]": rows_of(result(effects=[one + 9 for one in SEEDS]))}, False, "old")
# How a run ended: what is otherwise about it, the status of pytest and its failed tests, the run's status, its state.
ENDS = {
    "well": ({}, 0, 0, 0, "AS EXPECTED"),
    "moved": ({"baseline": BEFORE, "named": True}, 0, 0, 1, "FAILED, see below"),
    "strict": ({"strict": True, "results": [result(scores=[]), OPEN]}, 0, 0, 1, "FAILED, see below"),
    "interrupted": ({"interrupted": True}, 2, 0, 2, "INTERRUPTED"),
    "a fault of the suite": ({}, 3, 0, 3, "FAILED, see below"),
    "lost": ({"missing": ["benchmarks/test_zhou_2019.py::test_gone[x]"]}, 0, 0, 1, "FAILED, see below"),
    "a file that cannot be imported": ({"faults": ["test_mine_2026.py, line 3: NameError"]}, 1, 1, 1, "FAILED"),
    "a test that is no claim failed": ({}, 1, 1, 1, "FAILED, see below"),
    "no worker was left": ({"warnings": ["2 workers died"]}, 5, 0, 0, "AS EXPECTED"),
}


class Terminal:
    """A terminal that keeps what is written."""

    def __init__(self):
        self.lines = []
        self._tw = SimpleNamespace(_file=SimpleNamespace(encoding="utf-8"), fullwidth=100)

    def write_line(self, text, **markup):
        self.lines.append(text)


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """A function that ends a run in one of the ways, and returns the report, its status and what a terminal showed."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def end(how):
        changes, status, failed, _, _ = ENDS[how]
        results = changes.get("results", [result(effects=SEEDS)])
        found = [{"node": one["id"], "result": {"scores": [], **one}, "measured": []} for one in results]
        about = {
            **dict.fromkeys(("found", "missing", "faults", "warnings", "command"), ()),
            **dict.fromkeys(("named", "exact", "strict", "interrupted"), False),
            **{"scale": SCALES["tiny"], "results_folder": tmp_path, "code": {}, "baseline": None, "tables": None},
        }
        report = RunReport(
            **about | {name: value for name, value in changes.items() if name != "results"} | {"found": found}
        )
        report.make(0.0, 2.0, 0, ENVIRONMENT)
        report.update()
        session, terminal = SimpleNamespace(exitstatus=status, testsfailed=failed), Terminal()
        set_status(session, report)
        report.write(int(session.exitstatus))
        report.show(terminal, int(session.exitstatus), table=False)
        return report, int(session.exitstatus), terminal.lines[1:-1]

    return end


@pytest.mark.parametrize("how", ENDS)
def test_a_run_is_shown_later_as_it_ended(ended, capsys, how):
    """Its state, its exit status and its remarks, on the screen and on the page that is made anew."""
    report, status, shown = ended(how)
    assert status == ENDS[how][3] and shown[0].endswith(f"exit status {status}") and shown[2].startswith(ENDS[how][4])
    assert all(remark[:50] in "\n".join(shown) for remark in report.urgent)
    assert main(["show", str(report.written)]) == 0
    assert capsys.readouterr().out.splitlines() == [line.rstrip() for line in shown]
    page = (report.written / "report.html").read_text()
    assert main(["report", str(report.written)]) == 0
    assert (report.written / "report.html").read_text() == page
    assert f'class="state {"bad" if status else "good"}"' in page and ENDS[how][4] in page
