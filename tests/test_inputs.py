"""Inputs: an edit of the code changes one definition, and none that only uses it."""

import pytest

from lottery.experiments.experiment import experiment
from lottery.experiments.inputs import definitions, gathered, names
from lottery.experiments.keys import inputs, key
from lottery.experiments.named_arms import chain
from lottery.experiments.scales import SCALES
from lottery.masks import criteria
from lottery.masks.criteria import CRITERIA

SIGNS = CRITERIA["large_final_same_sign"], CRITERIA["large_final_diff_sign"], CRITERIA["large_final"]
SETTING = SCALES["tiny"].setting("lenet-300-100", "early stop")


def negated(w_final):
    return -w_final.abs()


def flat(found):
    return {name: digest for of in found.values() for name, digest in of.items()}


def changed(before, after):
    return {name for name, digest in flat(after).items() if flat(before).get(name) != digest}


def test_a_criterion_goes_by_its_name():
    """And what it uses by where that is."""
    assert names(SIGNS) == [
        f"criterion {name}" for name in ("large_final", "large_final_diff_sign", "large_final_same_sign")
    ]
    found = definitions(SIGNS)
    assert set(found["criterion large_final"]) == {"criterion large_final"}
    assert set(found["criterion large_final_same_sign"]) == {
        "criterion large_final_same_sign",
        "masks.criteria.same_sign",
    }


def test_a_broken_criterion_changes_its_own_definition(monkeypatch):
    """Whatever function the name leads to, a user's own too."""
    before = definitions(SIGNS)
    monkeypatch.setitem(CRITERIA, "large_final", negated)
    assert changed(before, definitions([*SIGNS[:2], negated])) == {"criterion large_final"}


def test_a_helper_changes_itself_and_not_its_users(monkeypatch):
    """Though the digest that keys are made of changes for all of them."""
    before = definitions(SIGNS)
    monkeypatch.setattr("lottery.experiments.inputs.sources", lambda function: {
        name: text.replace("w_init.sign() == ", "w_init.sign() != ") for name, text in sources(function).items()
    })  # fmt: skip
    assert changed(before, definitions(SIGNS)) == {"masks.criteria.same_sign"}


def sources(function):
    from lottery.store.fingerprints import sources

    return sources(function)


@pytest.mark.parametrize(
    "change, kinds",
    [
        ({}, set()),
        ({"fingerprint": "other"}, {"data"}),
        ({"precision": "tf32"}, {"precision"}),
        ({"arm": chain("large_final", "reinit")}, {"arms"}),
        ({"setting": SETTING.on("digits, pixels in [0, 1]")}, {"data"}),
    ],
)
def test_what_is_another_is_named_by_its_kind(change, kinds):
    """Data, precision, arms: each alone; and the key changes with any of them."""
    given = {"setting": SETTING, "arm": chain("large_final"), "fingerprint": "f00", "precision": "float32"}

    def of(setting, arm, fingerprint, precision):
        one = experiment(setting, arm, 1, 0)
        return inputs(one, fingerprint, precision), key(one, fingerprint, precision)

    (before, old), (after, new) = of(**given), of(**{**given, **change})
    one, other = gathered([before]), gathered([after])
    assert {kind for kind in one if one[kind] != other[kind]} == kinds
    assert (old == new) == (not change)
    assert criteria.CRITERIA["large_final"] in before.science
