"""Inputs: an edit of the code changes one definition, and none that only uses it."""

import pytest

from lottery.experiments.experiment import experiment
from lottery.experiments.inputs import definitions, gathered, names
from lottery.experiments.keys import inputs, key
from lottery.experiments.named_arms import chain
from lottery.experiments.scales import SCALES
from lottery.masks import criteria
from lottery.masks.criteria import CRITERIA
from lottery.store.fingerprints import sources

NAMES = ("large_final", "large_final_diff_sign", "large_final_same_sign")
SETTING = SCALES["tiny"].setting("lenet-300-100", "early stop")


def found(*criteria):
    """Return the inputs of chains with these criteria."""
    arms = [chain(name) for name in criteria or NAMES]
    return [inputs(experiment(SETTING, arm, 1, 0), "f00", "float32") for arm in arms]


def told(of):
    """Return the definitions, without what all chains have in common."""
    return {name: rest for name, rest in definitions(of).items() if name.startswith("criterion")}


def negated(w_final):
    return -w_final.abs()


def changed(before, after):
    """Return the names of definitions that are others than before."""
    old, new = ({name: mark for of in one.values() for name, mark in of.items()} for one in (before, after))
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def test_a_criterion_goes_by_its_name():
    """And what it uses by where that is."""
    assert [name for name in names(found()) if name.startswith("criterion")] == [f"criterion {name}" for name in NAMES]
    of = told(found())
    assert set(of["criterion large_final"]) == {"criterion large_final"}
    assert set(of["criterion large_final_same_sign"]) == {"criterion large_final_same_sign", "masks.criteria.same_sign"}


@pytest.mark.parametrize("other", [negated, CRITERIA["small_final"]])
def test_a_broken_criterion_changes_its_own_definition(monkeypatch, other):
    """Whatever function the name leads to: another one of the suite's, too, as --as has it."""
    before = definitions(found())
    monkeypatch.setitem(CRITERIA, "large_final", other)
    assert changed(before, definitions(found())) == {"criterion large_final"}
    assert names(found("small_final")) == [name.replace("large", "small") for name in names(found("large_final"))]


def test_a_helper_changes_itself_and_not_its_users(monkeypatch):
    """Though the digest that keys are made of changes for all of them."""
    before = definitions(found())
    monkeypatch.setattr("lottery.experiments.inputs.sources", lambda function: {
        name: text.replace("w_init.sign() == ", "w_init.sign() != ") for name, text in sources(function).items()
    })  # fmt: skip
    assert changed(before, definitions(found())) == {"masks.criteria.same_sign"}


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
