"""Fingerprints: what changes a result changes the name, what does not does not."""

import importlib.util
import sys

import pytest

from lottery.experiments.action_parts import LearnMaskAction, TrainAction
from lottery.experiments.mask_parts import IterativeMask
from lottery.experiments.start_parts import ResetStart
from lottery.masks import criteria
from lottery.masks.saliency import Saliency
from lottery.store.fingerprints import _visit, canonical, source_digest
from lottery.training.fit import fit

SOURCE = '''
"""A module."""
FACTOR = 2
TABLE = {"a": 1}

def helper(w):
    """Help."""
    return w * FACTOR

def register(function):
    return function

@register
def score(w_init, w_final):
    """Score."""
    # a comment
    return helper(w_final) + TABLE["a"]
'''


@pytest.fixture
def digest_of(tmp_path):
    count = iter(range(100))

    def digest(source):
        name = f"fingerprinted_{next(count)}"
        file = tmp_path / f"{name}.py"
        file.write_text(source)
        spec = importlib.util.spec_from_file_location("fingerprinted", file)
        module = importlib.util.module_from_spec(spec)
        sys.modules["fingerprinted"] = module
        spec.loader.exec_module(module)
        return source_digest(module.score)

    yield digest
    sys.modules.pop("fingerprinted", None)


@pytest.mark.parametrize(
    "old, new",
    [
        ("w * FACTOR", "w + FACTOR"),
        ("FACTOR = 2", "FACTOR = 3"),
        ('{"a": 1}', '{"a": 2}'),
        ('helper(w_final) + TABLE["a"]', 'helper(w_init) + TABLE["a"]'),
    ],
    ids=["helper", "constant", "table", "itself"],
)
def test_science_counts(digest_of, old, new):
    """An edit of the function, of a helper or of a constant gives another name."""
    assert old in SOURCE
    assert digest_of(SOURCE) != digest_of(SOURCE.replace(old, new))


@pytest.mark.parametrize(
    "old, new",
    [
        ("# a comment", "# another comment"),
        ('"""Score."""', '"""Scores, explained at length."""'),
        ("@register\n", ""),
        ("return w * FACTOR", "return (w\n            * FACTOR)"),
        ('"""A module."""', "import os\nUNUSED = 7\n"),
        ("def helper(w):", "def helper(w: float) -> float:"),
    ],
    ids=["comment", "docstring", "decorator", "layout", "unused", "annotation"],
)
def test_words_do_not_count(digest_of, old, new):
    """An edit that cannot change a result keeps the name."""
    assert old in SOURCE
    assert digest_of(SOURCE) == digest_of(SOURCE.replace(old, new))


def test_a_new_criterion_does_not_invalidate_the_others():
    """Registering one more function leaves the names of everything else alone."""
    before = source_digest.__wrapped__(IterativeMask, criteria.large_final)
    criteria.CRITERIA["one_more"] = lambda w_init: w_init
    try:
        assert source_digest.__wrapped__(IterativeMask, criteria.large_final) == before
    finally:
        del criteria.CRITERIA["one_more"]


def visited(*values):
    """Return the names of everything that a digest of these values covers."""
    seen = {}
    for value in values:
        _visit(value, seen)
    return set(seen)


def test_helpers_of_other_modules_count():
    """Masks go through ranking, cutting, scoring and treating, and starts through drawing, wherever that is written."""
    science = {
        "core.rng.stream",
        "experiments.chain_masks.cut",
        "experiments.chain_masks.ranks",
        "experiments.chain_masks.treated",
        "masks.ranking.keep",
        "masks.ranking.ranking",
        "masks.scores.scores",
        "models.initialisers.initial_weights",
    }
    assert {f"lottery.{name}" for name in science} <= visited(IterativeMask, ResetStart)
    assert {"lottery.experiments.chain_masks.treated", "lottery.experiments.chain_masks.zeroed"} <= visited(ResetStart)


def test_the_engine_does_not_count():
    """It has a version instead: no part's digest goes into `fit`, the training step, the optimiser or the model."""
    assert "__listed__" in vars(fit)
    engine = {f"lottery.training.{name}" for name in ("fit.fit", "step.Step", "optimiser.Descent")}
    for part in (IterativeMask, ResetStart, TrainAction, LearnMaskAction):
        assert not engine & visited(part)
    assert not any(name.startswith("lottery.training") for name in visited(IterativeMask, ResetStart))


def test_what_is_listed_counts_only_for_those_that_list_it():
    """A listed class is left out where another merely uses it, and is covered where it is asked for itself."""
    name = "lottery.masks.saliency.Saliency"
    assert name not in visited(IterativeMask)
    assert name in visited(IterativeMask, Saliency)
    assert source_digest(IterativeMask) != source_digest(IterativeMask, Saliency)


def test_canonical_json_does_not_depend_on_order():
    """Two dictionaries of equal content have one text."""
    assert canonical({"b": 1, "a": [1.5, None]}) == canonical({"a": [1.5, None], "b": 1}) == '{"a":[1.5,null],"b":1}'


FACTORY = """
import functools

def make(sign, more=None):
    def score(w_final, *, power=sign):
        return sign * w_final if more is None else more(w_final)
    return score

def times(factor):
    def around(function):
        @functools.wraps(function)
        def call(w_final):
            return factor * function(w_final)
        return call
    return around

def recursive(depth):
    def down(w_final):
        return w_final if depth else down(w_final)
    return down
"""


@pytest.mark.parametrize(
    "one, other",
    [
        ("make(1)", "make(-1)"),
        ("make(0, make(1))", "make(0, make(-1))"),
        ("make([1, {'a': 2}])", "make([1, {'a': 3}])"),
        ("times(1)(make(1))", "times(2)(make(1))"),
        ("times(1)(make(1))", "times(1)(make(2))"),
        ("times(1)(make(1))", "make(1)"),
        ("recursive(1)", "recursive(2)"),
    ],
)
def test_what_a_function_holds_counts(digest_of, one, other):
    """Two functions of one factory are told apart by what they hold, and equal ones are equal."""
    first, second, again = (digest_of(f"{FACTORY}\nscore = {made}\n") for made in (one, other, one))
    assert first == again != second


def test_functions_of_one_factory_count_each(digest_of):
    """One digest of both holds more than that of either, and wrappers count by their own source, too."""
    digest_of(f"{FACTORY}\nscore, other = make(1), make(-1)\n")
    module = sys.modules["fingerprinted"]
    first, second = module.score, module.other
    assert len({source_digest(first), source_digest(second), source_digest(first, second)}) == 3
    edited = FACTORY.replace("factor * function", "factor + function")
    assert digest_of(f"{FACTORY}\nscore = times(2)(make(1))\n") != digest_of(f"{edited}\nscore = times(2)(make(1))\n")
