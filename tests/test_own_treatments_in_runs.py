"""Users' treatments in a run: a scoreboard for kept and one for pruned weights."""

from lottery.masks.own_treatments import FROZEN, KEPT
from tests.test_plugin import OPEN, asked, entry, results, shared_store, suite

__all__ = ["shared_store", "suite"]  # fixtures

TESTS = """
from lottery.claims.claim import claim_per_kept_treatment, claim_per_pruned_treatment, effect
from lottery.claims.image_quantities import accuracy
from lottery.experiments.named_arms import chain

@claim_per_kept_treatment("lenet-300-100")
def test_kept(question, treatment):
    return effect(accuracy(chain("large_final", treatment), 1))

@claim_per_pruned_treatment("lenet-300-100")
def test_frozen(question, treatment):
    return effect(accuracy(chain("large_final", pruned=treatment), 1))
"""
ENTRIES = {name: entry(f"{name}[*]", "effect", asked("[50, inf]", 2), OPEN) for name in ("kept", "frozen")}
SAME = "def start(w_init):\n    return w_init\n\ndef frozen(mask):\n    return ~mask\n"
GIVEN = ("--treatment=same=mine.py:start", "--treatment=at_zero=mine.py:frozen")


def test_a_copy_of_rewinding_equals_it(suite):
    """Of either kind, in every seed; each kind has the papers' treatments beside it, the first to compare with."""
    suite.write(tests=TESTS, entries=ENTRIES)
    (suite.path / "mine.py").write_text(SAME)
    assert suite(*GIVEN).ret == 0
    report = results(suite)
    assert [one["id"] for one in report["treatments"]] == ["mini2020.frozen[at_zero]", "mini2020.kept[same]"]
    assert not report["claims"]
    board = {(cell["contest"], cell["name"]): cell for cell in report["scoreboard"]}
    assert list(board) == [
        *((FROZEN, name) for name in ("at_zero", "zero", "variant_1", "init")),
        *((KEPT, name) for name in ("same", "rewind", "constant_initial_sign", "reinit")),
    ]
    for cell in (board[KEPT, "same"], board[FROZEN, "at_zero"]):
        assert cell["own"] and cell["difference"] == 0 and cell["effects"] == [0, 0]
    assert any(board[KEPT, "reinit"]["effects"])
    text = (suite.path / "results" / "latest" / "results.md").read_text()
    assert "## Your treatments of kept weights" in text and "## Your treatments of pruned weights" in text


def test_a_treatment_that_fails_in_training_fails_its_rows_alone(suite):
    """The papers' beside it are scored; one message says what it did."""
    suite.write(tests=TESTS, entries=ENTRIES)
    bad = "def start(w_init):\n    return w_init if w_init.shape[0] < 60 else 1 / 0\n"
    (suite.path / "mine.py").write_text(bad)
    run = suite("--treatment=bad=mine.py:start", "--treatment=zero")
    assert run.ret == 1 and "Traceback" not in run.stdout.str()
    kept = next(one for one in results(suite)["treatments"] if one["id"] == "mini2020.kept[bad]")
    told = "treatment 'bad' raised an error in mine.py, line 2, in start: ZeroDivisionError"
    assert kept["verdict"] == "error" and told in kept["reason"]
    states = {cell["name"]: cell["state"] for cell in results(suite)["scoreboard"] if cell["contest"] == "kept"}
    assert states["bad"] == "error" and states["rewind"] == "reference" and "error" not in list(states.values())[1:]
