"""Simulated nights: one of unchanged code, and one with a broken criterion, which the comparison names and no other."""

import pytest

from lottery.masks.criteria import CRITERIA
from tests import test_plugin
from tests.test_plugin import asked, entry, results

suite, shared_store = test_plugin.suite, test_plugin.shared_store  # fixtures
TESTS = """
from lottery.claims.claim import claim, effect
from lottery.claims.image_quantities import accuracy
from lottery.experiments.arms import DENSE
from lottery.experiments.named_arms import untrained

NET = "lenet-300-100"

@claim(NET)
def test_dense(question):
    return effect(accuracy(DENSE, 0))

@claim(cases={f"{NET}-{name}": (name,) for name in ("large_final", "large_final_same_sign", "random")})
def test_untrained(question, criterion):
    return effect(accuracy(untrained(criterion), 3))

@claim(NET)
def test_signs_help(question):
    return effect(accuracy(untrained("large_final_same_sign"), 3) - accuracy(untrained("large_final"), 3))
"""
UNTRAINED = [f"untrained[lenet-300-100-{name}]" for name in ("large_final", "large_final_same_sign", "random")]
NAMES = ["dense[lenet-300-100]", "signs_help[lenet-300-100]", *UNTRAINED]
OPEN = test_plugin.OPEN


@pytest.fixture
def nights(suite):
    """The suite with claims of three criteria, and the first night behind it."""
    entries = {name: entry(name, "effect", asked("[-100, 100]", 5), OPEN) for name in NAMES}
    suite.write(TESTS, entries)
    suite("--results=nights")
    return suite


def told(result):
    """Return the lines about the comparison, each in one."""
    text = result.stdout.str()
    return " ".join(text[text.index("\nagainst ") :].split("claims measured")[0].split())


def test_a_night_of_unchanged_code(nights):
    """Bit for bit, in one sentence, and green."""
    result = nights("--results=nights", "--baseline=nights")
    assert result.ret == 0
    assert told(result).startswith(
        "against nights: all 5 verdicts the same; of 5 claims 5 the same, bit for bit; nothing that "
    )


def test_a_night_with_a_broken_criterion(nights, monkeypatch):
    """Red; the criterion is named and no other, all that moved depends on it, and all else is the same."""
    monkeypatch.setitem(CRITERIA, "large_final", lambda w_final: -w_final.abs())
    result = nights("--results=nights", "--baseline=nights")
    assert result.ret == 1
    said = told(result)
    assert "3 the same, bit for bit; 2 moved, 2 by more than chance" in said
    assert said.count("changed:") == 1 and "changed: criterion large_final: 2 depend on it, 2 of them moved" in said
    assert "same inputs, other numbers" not in said
    moves = results(nights, "nights")["baseline"]["moves"]
    assert {move["id"].partition(".")[2] for move in moves if move["changed"]} == {NAMES[1], NAMES[2]}
    assert {move["state"] for move in moves if not move["changed"]} == {"same"}
