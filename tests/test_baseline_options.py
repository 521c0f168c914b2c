"""Which options about baselines contradict each other, and whose tables a run may rewrite."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from lottery.core.errors import LotteryError
from lottery.plugin.baseline_options import BaselineOptions
from lottery.plugin.shared_folder import SharedFolder

NONE = {"baseline": None, "baseline-exact": False, "update-expected": False, "plan": False, "as": []}


def asked(folder: Path, **given) -> BaselineOptions:
    """Return the options of a command line that gives these."""
    values = NONE | {name.replace("_", "-"): value for name, value in given.items()}
    config = SimpleNamespace(getoption=lambda name: values[name.removeprefix("lottery_")])
    return BaselineOptions(SimpleNamespace(config=config, name="main", shared=SharedFolder(str(folder))))


@pytest.mark.parametrize(
    "given, told",
    [
        (
            {"update_expected": True, "plan": True, "as": ["a=b"]},
            "rewrites the stored baseline: leave out --plan and --as",
        ),
        ({"baseline": "none", "baseline_exact": True}, "needs something to compare with: leave out --baseline none"),
    ],
)
def test_contradictions_are_told(tmp_path, given, told):
    """With the option to leave out."""
    with pytest.raises(LotteryError, match=told):
        asked(tmp_path, **given).read(None)


@pytest.mark.parametrize("given", [{}, {"baseline": "none"}, {"update_expected": True}])
def test_nothing_is_read_that_is_not_named(tmp_path, given):
    """The stored baseline is, at the end, unless there is to be no comparison."""
    options = asked(tmp_path, **given)
    options.read(None)
    assert options.named is None and (given.get("baseline") != "none" or options.compared_with() is None)


def test_tables_of_an_installed_package_are_not_rewritten(tmp_path):
    """Others are, and whoever reports learns of them by their papers."""
    mine = tmp_path / "benchmarks" / "test_mine_2026.py"
    options = asked(tmp_path / "run", update_expected=True)
    options.leave_tables([mine], "tiny")
    assert options.tables() == {"mine2026": tmp_path / "expected" / "baselines" / "tiny"}
    with pytest.raises(LotteryError, match="came with the package. Run the claims of a checkout"):
        options.leave_tables([tmp_path / "site-packages" / "benchmarks" / mine.name], "tiny")
