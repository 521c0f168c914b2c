"""Users' criteria in a run: what is trained for them, where they are measured, and the papers' claims with one."""

import gzip

import pytest

import lottery.experiments.worker as worker
from lottery.cli.main import main
from lottery.experiments.keys import criteria_of
from tests.test_plugin import results, shared_store, suite

__all__ = ["shared_store", "suite"]  # fixtures


@pytest.fixture
def trained(monkeypatch):
    """The experiments of every population that is trained."""
    populations, compute = [], worker.compute

    def counted(population, sources):
        populations.append(list(population.experiments))
        return compute(population, sources)

    monkeypatch.setattr(worker, "compute", counted)
    return populations


def test_an_edit_trains_its_own_networks_alone(suite, trained):
    """The first run has the references trained as well, an edit the criterion's own in one population, no edit none."""
    (suite.path / "mine.py").write_text("def score(w_init, w_final):\n    return w_init.abs() * w_final.abs()\n")
    assert suite("--criterion=mine=mine.py:score").ret == 0
    trained.clear()
    (suite.path / "mine.py").write_text("def score(w_init, w_final):\n    return w_init.abs() + 3 * w_final.abs()\n")
    assert suite("--criterion=mine=mine.py:score").ret == 0
    assert len(trained) == 1 and len(trained[0]) == 3  # seeds
    assert all(criteria_of(one.arm) == {"mine"} for one in trained[0])
    trained.clear()
    assert suite("--criterion=mine=mine.py:score").ret == 0
    assert not trained
    board = {cell["name"]: cell for cell in results(suite)["scoreboard"]}
    assert list(board) == ["mine", "large_final", "magnitude_increase", "random"]
    assert {name: (len(cell["effects"]), cell["reason"]) for name, cell in board.items()} == dict.fromkeys(
        board, (3, "")
    )
    measured = gzip.decompress((suite.path / "results" / "latest" / "measurements.csv.gz").read_bytes()).decode()
    head, *rows = [line.split(",") for line in measured.splitlines()]
    in_curves = {
        row[head.index("criterion")] for row in rows if row[head.index("metric")] == "test_accuracy_early_stop"
    }
    assert set(board) <= in_curves


def test_claims_with_another_criterion(suite, trained):
    """Only what rests on the name is trained; all says what stands in its place; the baseline shows what moved."""
    assert suite("--results=before").ret == 0
    trained.clear()
    run = suite("--as=large_final=small_final", "--baseline=before")
    assert trained and all(criteria_of(one.arm) == {"large_final"} for population in trained for one in population)
    report = results(suite)
    assert report["replaced"] == {"large_final": "small_final"}
    touched = {claim["id"] for claim in report["claims"] if claim["replaced"] == ["large_final"]}
    assert touched == {"mini2020.undecided[lenet-300-100]"}
    moves = {move["id"]: move["state"] for move in report["baseline"]["moves"]}
    assert {id for id, state in moves.items() if state != "same"} == touched
    told = "NOT AS PUBLISHED: large_final is small_final in this run (--as), which 1 of its tests rest on"
    assert told in (suite.path / "results" / "latest" / "results.md").read_text()
    run.stdout.fnmatch_lines(["*large_final is small_final*"])
    assert main(["baseline", str(suite.path / "results"), str(suite.path / "tables")]) != 0
    assert not (suite.path / "tables").exists()


@pytest.mark.parametrize(
    "source, message",
    [
        ("return w_final.abs_()", "changes `w_final` in place, which is not its own; take a copy first"),
        ("return w_final.sum()", "returned () for a layer of shape"),
        ("return w_final * float('nan')", "returned NaN"),
        ("return (w_final - w_final.mean()).abs()", "looks at pruned weights"),
    ],
)
def test_the_contract_comes_before_training(suite, trained, source, message):
    """One message, exit status 4, and no population."""
    (suite.path / "mine.py").write_text(f"def score(w_final):\n    {source}\n")
    run = suite("--criterion=mine=mine.py:score", "--store=empty")
    assert run.ret == pytest.ExitCode.USAGE_ERROR and not trained
    told = [line for line in (run.stdout.str() + run.stderr.str()).splitlines() if "criterion 'mine'" in line]
    assert len(told) == 1 and message in told[0] and "before anything was trained" in told[0]
