"""Fingerprints: what changes a result changes the name, what does not does not."""

import importlib.util
import sys

import pytest

from lottery.store.fingerprints import _visit, canonical, source_digest

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
    from lottery.experiments.mask_parts import IterativeMask
    from lottery.masks import criteria

    before = source_digest.__wrapped__(IterativeMask, criteria.large_final)
    criteria.CRITERIA["one_more"] = lambda w_init: w_init
    try:
        assert source_digest.__wrapped__(IterativeMask, criteria.large_final) == before
    finally:
        del criteria.CRITERIA["one_more"]


def test_helpers_of_other_modules_count():
    """Masks and starts go through ranking, cutting, scoring and treating, wherever these are written.

    The engine has a version instead, and what only some users depend on counts where they list it.
    """
    from lottery.experiments.mask_parts import IterativeMask
    from lottery.experiments.search_part import SearchMask
    from lottery.experiments.start_parts import ResetStart

    seen = {}
    for part in (IterativeMask, ResetStart, SearchMask):
        _visit(part, seen)
    science = {
        "masks.ranking.ranking",
        "masks.ranking.keep",
        "masks.criteria.score",
        "experiments.chain_masks.treated",
        "experiments.chain_masks.cut",
        "models.initialisers.initial_weights",
        "core.rng.stream",
        "experiments.search_part.train",
    }
    assert {f"lottery.{name}" for name in science} <= set(seen)
    listed = {"training.fit.fit", "masks.saliency.Saliency", "experiments.population.Population"}
    assert not {f"lottery.{name}" for name in listed} & set(seen)
    assert not any(name.startswith("lottery.training.step") for name in seen)


def test_canonical_json_does_not_depend_on_order():
    """Two dictionaries of equal content have one text."""
    assert canonical({"b": 1, "a": [1.5, None]}) == canonical({"a": [1.5, None], "b": 1}) == '{"a":[1.5,null],"b":1}'
