"""Code of others within a run: whatever it does concerns its claims alone, alone and with a worker."""

import pytest

from lottery.masks import criteria, own_criteria
from tests.test_plugin import ENTRIES, TESTS, asked, entry, results, shared_store, suite, verdicts

__all__ = ["shared_store", "suite"]  # fixtures

BAD = """
import sys, warnings
import pytest, torch

def late(function):  # sound as long as layers are small, as in the check before anything is trained
    def score(w_final):
        return function(w_final) if w_final.numel() > 300 else w_final.abs()
    return score

def good(w_init, w_final):
    print("scoring")
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(True)
    return (w_final - w_init.clone().zero_()).abs_()

@late
def complex_(w_final):
    return w_final + 1j

@late
def sparse(w_final):
    return w_final.to_sparse()

@late
def skips(w_final):
    pytest.skip("not today")

@late
def leaves(w_final):
    sys.exit(0)

@late
def stops(w_final):
    pytest.exit("enough")

@late
def warns(w_final):
    warnings.warn("odd")
    return w_final

@late
def deep(w_final):
    return deep(w_final)
"""
BROKEN = """
import sys, warnings
from dataclasses import replace
import pytest
from lottery.claims.quantities import Term, single

def term(cell):
    return single(Term(cell, "it", lambda it: 0.0, lambda it: 1.0))

@claim(NET)
def test_raises(question):
    return effect(1 / 0)

@claim(NET)
def test_skips(question):
    pytest.skip("not today")

@claim(NET)
def test_leaves(question):
    sys.exit(0)

@claim(NET)
def test_warns(question):
    warnings.warn("odd")
    return effect(accuracy(DENSE, 0))

@claim(NET)
def test_nothing(question):
    pass

@claim(NET)
def test_number(question):
    return effect(3.0)

@claim(NET)
def test_share(question):
    return proportion(accuracy)

@claim(NET)
def test_word(question):
    return effect(term(("x", 1)))

@claim(NET)
def test_alone(question):
    return effect(term(DENSE))

@claim(NET)
def test_list(question):
    return effect(term((replace(DENSE, training=[]), 0)))

@claim(NET)
def test_part(question):
    return effect(term((replace(DENSE, mask=3), 0)))

@claim(NET)
def test_unknown(question):
    return effect(accuracy(chain("largest"), 1))

@claim(cases={"raises": (lambda: 1 / 0,), "skips": (lambda: pytest.skip("no"),), "leaves": (sys.exit,)})
def test_computes(question, compute):
    return exact(compute, 0)
"""
OWN = """
@claim_per_criterion(NET)
def test_own(question, criterion):
    return effect(accuracy(chain(criterion), 1) - accuracy(chain("large_final"), 1))
"""
LEARNS = TESTS.partition("@claim(NET)\ndef test_hardly")[0]
workers = pytest.mark.parametrize("workers", ["-n0", "-n1"])


def failed(result):
    """Return what a run said whose tests failed, and check that nothing else went wrong."""
    text = result.stdout.str() + result.stderr.str()
    assert result.ret == pytest.ExitCode.TESTS_FAILED, text
    assert not [word for word in ("Traceback", "INTERNALERROR", "crashed") if word in text], text
    return text


@workers
def test_criteria(suite, workers):
    """Each that goes wrong is named in one message; one beside them that works in place has its numbers."""
    own = ENTRIES["own"].replace("[50, inf]", "[-1e-9, 1e-9]")
    suite.write(tests=LEARNS + OWN, entries={"learns": ENTRIES["learns"], "own": own})
    (suite.path / "bad.py").write_text(BAD)
    messages = {
        "complex_": "returned a tensor of torch.complex64",
        "sparse": "returned a tensor of torch.float32, torch.sparse_coo",
        "skips": "in skips: Skipped: not today",
        "leaves": "in leaves: SystemExit: 0",
        "stops": "in stops: Exit: enough",
        "warns": "in warns: UserWarning: odd",
        "deep": ": RecursionError",
    }
    text = failed(suite(workers, "-Werror", *(f"--criterion={name}=bad.py:{name}" for name in ("good", *messages))))
    assert verdicts(suite) == {"learns": "reproduced"}
    found = {claim["id"].partition("[")[2][:-1]: claim for claim in results(suite)["criteria"]}
    assert set(found) == {"good", *messages} and found["good"]["effects"] == [0, 0, 0]
    for name, message in messages.items():
        told = found[name]["reason"]
        assert (
            found[name]["verdict"] == "error"
            and told.startswith(f"criterion {name!r} ")
            and message in told
            and told in text
        )
    board = {cell["name"]: cell for cell in results(suite)["scoreboard"]}
    assert {name for name, cell in board.items() if cell["state"] == "error"} == set(messages)
    assert board["good"]["effects"] == [0, 0, 0] and board["random"]["difference"] is not None
    assert all(messages[name] in board[name]["reason"] for name in messages)


@workers
def test_claims(suite, workers):
    """A claim whose function or whose computation goes wrong fails with its id, and the others have verdicts."""
    trained = ("raises", "skips", "leaves", "warns", "nothing", "number", "word", "alone", "list", "part", "unknown")
    entries = {name: entry(f"{name}[lenet-300-100]", "effect", asked("[50, inf]")) for name in trained}
    for name in ("raises", "skips", "leaves"):
        entries[f"computes {name}"] = entry(f"computes[{name}]", "exact", "", needs="", scale="every")
    entries["share"] = entry("share[lenet-300-100]", "proportion", asked("[0.5, 1]", 8))
    suite.write(tests=LEARNS + BROKEN, entries={"learns": ENTRIES["learns"]} | entries)
    text = failed(suite(workers, "-Werror"))
    found = {claim["id"].removeprefix("mini2020."): claim for claim in results(suite)["claims"]}
    assert found["learns[lenet-300-100]"]["verdict"] == "reproduced" and len(found) == 16
    messages = {
        "raises[lenet-300-100]": "its test raised ZeroDivisionError: division by zero",
        "skips[lenet-300-100]": "its test raised Skipped: not today",
        "leaves[lenet-300-100]": "its test raised SystemExit: 0",
        "nothing[lenet-300-100]": "its test returned NoneType",
        "number[lenet-300-100]": "its test states something of a float, and not of a quantity",
        "share[lenet-300-100]": "its test states something of a function, and not of a quantity",
        "word[lenet-300-100]": "its test states something of ('x', 1), and not of an arm and a round",
        "alone[lenet-300-100]": "its test states something of Arm(",
        "list[lenet-300-100]": "its test raised TypeError: unhashable type",
        "part[lenet-300-100]": "what it asks for raised AttributeError: 'int' object",
        "unknown[lenet-300-100]": "there is no criterion 'largest'",
        "computes[raises]": "judging it raised ZeroDivisionError: division by zero",
        "computes[skips]": "judging it raised Skipped: no",
        "computes[leaves]": "judging it raised SystemExit",
    }
    for id, message in messages.items():
        assert found[id]["verdict"] == "error" and f"mini2020.{id}: {message}" in found[id]["reason"], found[id]
        assert f"mini2020.{id}: {message}" in text


def test_a_plan_tells_what_is_broken(suite):
    """A claim that states nothing is no network to train: the plan says what is wrong, and ends as a run would."""
    entries = {name: entry(f"{name}[lenet-300-100]", "effect", asked("[50, inf]")) for name in ("number", "raises")}
    broken = "@claim(NET)\ndef test_number(question):\n    return effect(3.0)\n\n"
    broken += "@claim(NET)\ndef test_raises(question):\n    return effect(1 / 0)\n"
    suite.write(tests=LEARNS + broken, entries={"learns": ENTRIES["learns"]} | entries)
    text = failed(suite("--plan", "--store=planned"))
    assert " learns[lenet-300-100]" in text and "need nothing more" not in text
    assert "ERROR: mini2020.number[lenet-300-100]: its test states something of a float" in text
    assert "ERROR: mini2020.raises[lenet-300-100]: its test raised ZeroDivisionError" in text
    assert suite("--plan", "--store=planned", "-k", "learns").ret == 0


@pytest.mark.parametrize("second", ["second=mine.py:score", "second=mine.py:nothing"])
def test_criteria_are_forgotten(suite, second):
    """What a run was given is known to no later one in the process, even if a later criterion ended the run."""
    before = dict(criteria.CRITERIA), dict(own_criteria.FINGERPRINTS)
    (suite.path / "mine.py").write_text("def score(w_final):\n    return w_final\n")
    suite("--criterion=first=mine.py:score", f"--criterion={second}", "--collect-only")
    assert before == (criteria.CRITERIA, own_criteria.FINGERPRINTS)
