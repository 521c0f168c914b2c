"""The rule that decides: verdicts that turned on the same numbers, and what of the rule is another."""

from types import SimpleNamespace

import pytest

from lottery.claims import means, rule
from lottery.claims.baselines import Baseline, rounded, rows_of
from lottery.claims.comparison import DRIFTED, SAME, TURNED, comparison
from lottery.claims.statistics import Region, decide_mean
from lottery.claims.uncounted import is_uncounted, moves_of
from lottery.cli import compare as command
from lottery.plugin.run_report import RunReport
from lottery.plugin.session import Session
from lottery.report.difference import brief, difference, markdown
from lottery.report.page_answer import page_answer
from lottery.report.screen import screen
from lottery.store.fingerprints import sources
from tests.result_helpers import result, whole

SEEDS = [83.0, 84.9, 86.2, 84.2, 85.0]
ARMS = {"dense": {"failed": [], "censored": []}, "ticket": {"failed": [2], "censored": []}}


def decided(effects=SEEDS, **changes):
    """Return a result of these seeds with the verdict of the rule as it is now."""
    decision = decide_mean(effects, Region(84))
    told = {
        "verdict": decision.verdict,
        "estimate": decision.estimate,
        "n": len(effects),
        "counts": False,
        "region": [84, None],
    }
    return result(**{"effects": effects, **told, **changes})


def against(before, now, stored=False, **more):
    """Return a report that was compared with an earlier run of one claim, or with its table."""
    rows = rows_of(before)
    if stored:
        rows = [row._replace(effects=tuple(map(rounded, row.effects))) for row in rows]
    former = {} if stored else whole(before)
    report = whole(now) | more
    return report | {"baseline": comparison(report, Baseline({before["id"]: rows}, stored, "before", "", former))}


@pytest.fixture
def broken(monkeypatch):
    """A function after which deviations are taken for a third of what they are."""

    def spoil():
        of = means.Sample.of.__func__

        def smaller(cls, values, resolution=0.0):
            sample = of(cls, values, resolution)
            return cls(sample.n, sample.mean, sample.spread / 3, sample.skewness)

        monkeypatch.setattr(means.Sample, "of", classmethod(smaller))

    return spoil


@pytest.mark.parametrize("stored", [False, True])
def test_a_broken_rule_fails_a_run_on_the_same_numbers(broken, stored):
    """Whatever the gate makes of it: it is no chance, and not called that, in a run and between two."""
    before = decided(expected_verdict="refuted")
    broken()
    now = decided(expected_verdict="refuted")
    assert (before["verdict"], now["verdict"]) == ("inconclusive", "reproduced") and is_uncounted(now)
    report = against(before, now, stored)
    run = SimpleNamespace(content=report, exact=False, failed=False)
    assert RunReport._drift(run) == [] and run.failed
    (counted,) = RunReport._count_turned(run, moves_of(report))
    assert counted["counts"] and report["claims"] == [counted] and not is_uncounted(counted)
    lines = [line.text for line in screen(report, 100)]
    assert "SAME NUMBERS, OTHER VERDICT  1: the rule that decides has changed" in lines
    assert any(line.startswith("Z12") and "inconclusive, now reproduced" in line for line in lines)
    assert "1 other than expected" in lines[2] and "not counted" not in " ".join(lines)
    page = str(page_answer(report, report["claims"], []))
    assert "Same numbers, other verdict: 1, the rule that decides has changed" in page


def test_compare_ends_with_one(monkeypatch):
    """As where a number moved by more than chance; the row says which verdicts, on a screen and for GitHub."""
    before, now = decided(verdict="reproduced"), decided(verdict="refuted")
    rows = Baseline({before["id"]: rows_of(before)}, False, "before", "tiny", whole(before))
    monkeypatch.setattr(command, "read", lambda path: rows)
    monkeypatch.setattr(command, "read_run", lambda path: whole(now))
    text, status = command.compare_runs("before", "after")
    assert status == 1 and "SAME NUMBERS, OTHER VERDICT  1: the rule that decides has changed" in text
    assert "1 the same, with another verdict" in " ".join(text.split()) and "same inputs" not in text
    found = against(before, now)["baseline"]
    assert "| **same numbers, other verdict** | reproduced, now refuted |" in " ".join(
        markdown(found, {now["id"]: now}).split()
    )


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    "then, now",
    [
        ({"question": "0000-0000-0000-0001-0000-0000"}, {}),  # another region
        ({"question": ""}, {"question": ""}),  # who knows which
        ({"n": 4}, {}),  # another group of seeds decided
        ({}, {"arms": ARMS}),  # a network failed that had not, or of which a table does not know
        ({}, {"arms": {"dense": {"failed": [], "censored": [0]}}}),
        ({"effects": [*SEEDS, 85.0]}, {}),  # one seed more
    ],
)
def test_a_verdict_that_something_else_may_have_turned_accuses_no_rule(then, now, stored):
    """Of the same numbers."""
    moves = against(decided(verdict="reproduced", **then), decided(verdict="refuted", **now), stored)
    assert [move["state"] for move in moves["baseline"]["moves"]] == [SAME]


def test_failed_networks_that_are_the_same_excuse_nothing():
    """Between two runs, which keep them."""
    then, now = decided(verdict="reproduced", arms=ARMS), decided(verdict="refuted", arms=ARMS)
    assert [move["state"] for move in against(then, now)["baseline"]["moves"]] == [TURNED]


def conjunction(verdict, *parts):
    """Return a conjunction of this verdict, of parts of these verdicts and moves."""
    several = [
        decided([one + by + by * seed / 50 for seed, one in enumerate(SEEDS)], verdict=of) | {"name": f"part_{name}"}
        for name, (of, by) in enumerate(parts)
    ]
    return result(kind="conjunction", effects=[], parts=several, verdict=verdict, counts=False, unit="pp, %")


@pytest.mark.parametrize(
    "before, now, turned",
    [
        (["open", ("yes", 0), ("yes", 0)], ["yes", ("yes", 0), ("yes", 0)], [""]),
        (["yes", ("yes", 0), ("yes", 0)], ["no", ("no", 0), ("yes", 0)], ["", "part_0"]),
        (["yes", ("yes", 0), ("yes", 0)], ["no", ("no", 0), ("yes", -9)], ["part_0"]),
        (["yes", ("yes", 0), ("yes", 0)], ["no", ("yes", 0), ("no", -9)], []),
        (["yes", ("yes", 0), ("yes", 0)], ["yes", ("yes", 0), ("yes", 0)], []),
    ],
)
def test_a_conjunction_turned_by_itself_only_where_no_part_moved(before, now, turned):
    """A part rests on its own numbers alone; each row is told apart, at every width."""
    report = against(conjunction(*before), conjunction(*now))
    found, by_id = report["baseline"], {one["id"]: one for one in report["claims"]}
    assert [move["part"] for move in found["moves"] if move["state"] == TURNED] == turned
    for lines in (difference(found, by_id, 100), [line for line, _ in brief(found, by_id, 100, 3)]):
        assert sum(", now " in line and line.startswith("Z12") for line in lines) == len(turned)
    drifted = any(move["state"] == DRIFTED for move in found["moves"])
    titles = [line.split("  ")[0] for line, title in brief(found, by_id, 100, 3) if title]
    assert titles == ["SAME NUMBERS, OTHER VERDICT"] * bool(turned) + ["MOVED BY MORE THAN CHANCE"] * drifted


def test_what_was_edited_of_the_rule_is_named(monkeypatch):
    """By what is different around two runs, and where an earlier version recorded nothing of it, by nothing."""
    before = rule.definitions()
    assert {"claims.judging.Judge", "claims.means.Sample", "claims.statistics.decide_mean"} <= before.keys()
    assert "claims.failures.decide_apart" in before and "claims.statistics.decide_all" in before
    place = "lottery.claims.means.Sample"
    edit = sources(means.Sample) | {place: sources(means.Sample)[place].replace("(n - 1)", "n")}
    monkeypatch.setattr(rule, "sources", lambda of: edit if of is means.Sample else sources(of))
    rule.definitions.cache_clear()
    after = rule.definitions()
    rule.definitions.cache_clear()
    assert [name for name in before if before[name] != after[name]] == ["claims.means.Sample"]
    found = against(decided(), decided(), code={rule.RULE: after})["baseline"]
    assert not any(rule.RULE in line for line in found["around"])
    rows = Baseline({"zhou2019.x": []}, False, "before", "", whole() | {"code": {rule.RULE: before}})
    around = comparison(whole() | {"code": {rule.RULE: after}}, rows)["around"]
    assert around == ["the rule that decides: claims.means.Sample"]


def test_a_run_records_the_rule():
    """Beside the code that its claims rest on."""
    session = Session(options=None, known=None, worker=object())
    assert session.definitions() == {rule.RULE: rule.definitions()}
