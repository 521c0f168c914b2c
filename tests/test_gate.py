"""`lottery gate`: the table's claims hold loosely in a few runs of a small suite."""

from math import inf
from types import SimpleNamespace

import numpy as np
import pytest

from lottery.claims import entries
from lottery.claims.baselines import Row, write
from lottery.claims.history import asked_of
from lottery.claims.results import SCHEMA
from lottery.claims.statistics import REFUTED, REPRODUCED, Region, decide_mean, decide_proportion
from lottery.cli import gate
from lottery.cli.main import main
from lottery.core.errors import LotteryError
from tests.result_helpers import result
from tests.test_entries import GOOD

SHARES, MEANS, RUNS = 60, 20, 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`expected` with claims far inside their regions, their baseline, and one claim that asks something else now."""
    folder = tmp_path_factory.mktemp("suite") / "expected"
    folder.mkdir()
    head, section = GOOD.split("[[claim]]")
    mean, share = section.replace("seeds = 5", "seeds = 10"), section.replace('"effect"', '"proportion"')
    share = share.replace("seeds = 5", "seeds = 10").replace("[0, inf]", "[0.5, 1]")
    blocks = [mean.replace("claim[", f"mean{i}[") for i in range(MEANS)]
    blocks += [share.replace("claim[", f"share{i}[") for i in range(SHARES)]
    (folder / "some_2020.toml").write_text("[[claim]]".join([head, *blocks]))
    generator, results = np.random.default_rng(0), []
    for id, entry in entries.read(folder / "some_2020.toml").items():
        region = entry.question("tiny").region
        values = [float(value) for value in generator.normal(3, 1, 10)]
        decision = decide_mean(values, region) if entry.kind == "effect" else decide_proportion(10, 10, region)
        assert decision.verdict == REPRODUCED
        found = {"kind": entry.kind, "effects": values, "estimate": decision.estimate, "n": 10}
        results.append(result(id, **found, question=asked_of(entry, "tiny")))
    results[-1]["question"] = "another"
    machine = {"device": "cpu", "precision": "float32", "torch": "2"}
    report = {"schema": SCHEMA, "scale": "tiny", "started": "now", "environment": machine, "claims": results}
    write(report, lambda paper: folder / "baselines" / "tiny")
    return folder


@pytest.fixture(scope="module")
def simulated(folder):
    """Some runs."""
    simulation = gate.Simulation(gate.claims_of(folder, "tiny"), "tiny")
    for _ in range(RUNS):
        simulation.run()
    return simulation


def test_a_claim_that_asks_something_else_is_left_out(simulated):
    """Its baseline says nothing about it."""
    assert len(simulated.claims) == SHARES + MEANS - 1


@pytest.mark.parametrize("changes, left", [({}, 1), ({"n": 9}, 0), ({"effects": (*[1.0] * 9, None)}, 0)])
def test_claims_with_failed_seeds_are_left_out(folder, changes, left):
    """One seed was set apart, or has no number: the simulation knows no failures."""
    (claim, *_) = gate.claims_of(folder, "tiny")
    row = claim.rows[0]._replace(**changes)
    assert len(gate._claim(claim.entry, claim.entry.question("tiny"), [row])) == left


def test_unchanged_code_seldom_fails(simulated):
    """At most one run in twenty is wanted; of twenty runs hardly more than three fail."""
    assert simulated.wolf.tried == RUNS and simulated.wolf.now <= 3


def test_flipped_shares_fail_where_holm_over_all_was_blind(simulated):
    """All claims are able to, and nearly all do whenever their verdict turns."""
    tallies = simulated.caught[gate.FLIPPED, "proportion"].values()
    assert len(tallies) == SHARES - 1 and all(tally.now for tally in tallies)
    assert sum(tally.now for tally in tallies) == sum(tally.turned for tally in tallies) > 0.8 * RUNS * len(tallies)
    assert not any(tally.before for tally in tallies)


def test_lost_accuracy_fails(simulated):
    """Means of three points, less 4.75."""
    tallies = simulated.caught[gate.LOST, "effect"].values()
    assert len(tallies) == MEANS and sum(tally.now for tally in tallies) > 0.8 * RUNS * MEANS


@pytest.mark.parametrize("kind, region", [("effect", Region(0.0, inf)), ("proportion", Region(0.5, 1.0))])
@pytest.mark.parametrize("expected", [REPRODUCED, REFUTED])
def test_controls_are_not_broken(kind, region, expected):
    """Without them nothing is decided, so that no run could fail by their loss; the other part is what breaks."""
    values = [2.0 + 0.1 * seed for seed in range(14)]
    rows = [
        Row("c", name, kind, "1", verdict, 14, None, "", "", "", 0, tuple(sign * value for value in values))
        for name, verdict, sign in (
            ("stated", expected, 1 if expected == REPRODUCED else -1),
            ("control_loses", REPRODUCED, 1),
        )
    ]
    whole = rows[0]._replace(part="", kind="conjunction", verdict=expected, effects=())
    parts = [gate.Part(row.part, region, 14, row) for row in rows]
    claim = gate.Claim(SimpleNamespace(id="c", kind="conjunction", unit="pp"), expected, [whole, *rows], parts)
    effects = [np.array(row.effects) for row in rows]
    assert claim.result(effects)["verdict"] == expected
    broken = gate.Simulation([claim], "tiny")._broken(claim, effects)
    injected = {("effect", REPRODUCED): [gate.LOST], ("effect", REFUTED): []}  # a loss makes no refuted claim true
    assert list(broken) == injected.get((kind, expected), [gate.FLIPPED])
    for one in broken.values():
        assert (one[1] == effects[1]).all() and (one[0] != effects[0]).all()
        assert claim.result(one)["verdict"] == {REPRODUCED: REFUTED, REFUTED: REPRODUCED}[expected]


def test_the_same_twice(folder):
    """Random numbers come from named streams."""
    assert gate.gate(folder, "tiny", 2) == gate.gate(folder, "tiny", 2)


def test_the_command(folder, monkeypatch, capsys):
    """A table; a scale without a baseline is one message."""
    (folder.parent / "benchmarks").mkdir()
    (folder.parent / "benchmarks" / "test_some_2020.py").write_text("")
    monkeypatch.chdir(folder.parent)
    assert main(["gate", "--runs", "1"]) == 0 and "79 claims with a baseline" in capsys.readouterr().out
    assert main(["gate", "--scale", "paper"]) == 2 and "has no baseline for any question" in capsys.readouterr().err
    with pytest.raises(LotteryError):
        gate.gate(folder, "reduced", 1)
