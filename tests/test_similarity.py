"""Similarity of masks: metric axioms, its identities, a plain loop, heads of other sizes, and all pairs at once."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery.core.errors import LotteryError
from lottery.masks.similarity import (
    COUNTED,
    Counts,
    by_table,
    distance,
    hamming,
    jaccard,
    nested,
    overlap,
    pairwise,
    similarity,
)

MEASURES = (jaccard, overlap, hamming)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(seed, *shape, density=0.5):
    return torch.rand(shape, generator=generator(seed)) < density


def bits(size):
    return st.lists(st.booleans(), min_size=size, max_size=size).map(torch.tensor)


@st.composite
def three(draw):
    """Three masks of up to eight weights, often equal or empty."""
    size = draw(st.integers(1, 8))
    return [draw(bits(size)) for _ in range(3)]


@given(three())
def test_the_distance_is_a_metric(masks):
    """From 0 to 1, zero for equal masks alone, symmetric, and never longer by a way round; empty masks included."""
    a, b, c = masks
    assert 0 <= distance(a, b) <= 1 and (distance(a, b) == 0) == torch.equal(a, b)
    assert distance(a, b) == distance(b, a)
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-12


@given(three())
def test_equals_sets(masks):
    """Every measure is that of Python's sets of the places that are kept."""
    first, second, _ = masks
    a, b = (set(mask.nonzero().flatten().tolist()) for mask in (first, second))
    assert jaccard(first, second) == (len(a & b) / len(a | b) if a | b else 1)
    assert overlap(first, second) == (len(a & b) / min(len(a), len(b)) if a and b else float(not a and not b))
    assert hamming(first, second) == len(a ^ b) / len(first)
    assert nested(first, second) == (a <= b)


@pytest.mark.parametrize("measure, both_empty, one_empty", [(jaccard, 1, 0), (overlap, 1, 0), (distance, 0, 1)])
def test_empty_masks(measure, both_empty, one_empty):
    """Two are the same mask; one of them has nothing in common with another."""
    empty, whole = torch.zeros(3, 2, dtype=torch.bool), torch.ones(3, 2, dtype=torch.bool)
    assert measure(empty, empty) == both_empty
    assert measure(empty, whole) == measure(whole, empty) == one_empty


@given(three(), st.permutations(range(8)))
def test_places_have_no_order(masks, order):
    """The same permutation of both masks changes nothing."""
    first, second, _ = masks
    places = torch.tensor([place for place in order if place < len(first)])
    assert all(measure(first, second) == measure(first[places], second[places]) for measure in MEASURES)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 9), st.integers(0, 9))
def test_rounds_of_one_ladder_are_as_similar_as_they_are_large(seed, early, late):
    """Of nested masks the similarity is the ratio of their sizes, 0.8 to the rounds between but for rounding."""
    early, late = sorted((early, late))
    ranks = torch.randperm(2000, generator=generator(seed))
    kept = [2000]
    for _ in range(9):
        kept.append(kept[-1] - round(0.2 * kept[-1]))
    first, second = ranks < kept[early], ranks < kept[late]
    assert nested(second, first) and overlap(first, second) == 1
    assert jaccard(first, second) == kept[late] / kept[early] == pytest.approx(0.8 ** (late - early), rel=0.02)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_identities_of_masks_of_one_size(both, only, neither):
    """IoU = o / (2 - o), and Hamming = 2 d (1 - o) for density d (Paganini & Forde 2020, section 4.1)."""
    kept, size = both + only, both + 2 * only + neither
    counts = Counts(both, kept, kept, size)
    assert counts.jaccard == pytest.approx(counts.overlap / (2 - counts.overlap))
    assert counts.hamming == pytest.approx(2 * kept / max(1, size) * (1 - counts.overlap))


def network(seed, classes=3, density=0.4):
    return {
        "0.weight": drawn(seed, 7, 5, density=density),
        "2.weight": drawn(seed + 1, 6, 7),
        "head": drawn(seed + 2, classes, 6),
    }


def test_networks_layer_by_layer_and_in_total():
    """The total is that of all weights in one tensor, and no mean of the layers."""
    first, second = network(0), network(10)
    found = similarity(first, second)
    assert list(found) == [*first, "total"]
    for name in first:
        assert [found[name][measure.__name__] for measure in MEASURES] == [
            m(first[name], second[name]) for m in MEASURES
        ]
    joined = [torch.cat([mask.flatten() for mask in one.values()]) for one in (first, second)]
    assert [found["total"][measure.__name__] for measure in MEASURES] == [measure(*joined) for measure in MEASURES]
    sizes = {"both": int((joined[0] & joined[1]).sum()), "first": int(joined[0].sum()), "second": int(joined[1].sum())}
    assert sizes.items() <= found["total"].items() and found["total"]["size"] == 7 * 5 + 6 * 7 + 3 * 6


def test_another_head_is_left_out():
    """A layer of another shape, or that one of them lacks, counts nowhere, the total included."""
    first, second = network(0), network(10, classes=100)
    body = [{name: mask for name, mask in one.items() if name != "head"} for one in (first, second)]
    assert similarity(first, second) == similarity(*body) == similarity(first, body[1])
    assert nested(first, {**first, "head": second["head"]}) and nested({**first, "head": ~first["head"]}, body[0])
    assert not nested({**first, "0.weight": ~first["0.weight"]}, first)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: jaccard(drawn(0, 2), drawn(0, 3)), r"shapes \(2,\), \(3,\) have no places in common"),
        (
            lambda: hamming(drawn(0, 2).float(), drawn(0, 2)),
            "float32; a mask is a bool tensor, convert it with mask.bool",
        ),
        (lambda: similarity({"a": drawn(0, 2)}, {"a": drawn(0, 3)}), r"no layer has .* a \(2,\); a \(3,\)"),
        (lambda: similarity({"a": drawn(0, 2)}, {"b": drawn(0, 2)}), "no layer has the same name and shape"),
        (lambda: similarity({"a": [True]}, {"a": drawn(0, 2)}), "the mask of 'a' is of type list"),
        (lambda: nested(drawn(0, 2), {"a": drawn(0, 2)}), "give two of one kind"),
        (lambda: pairwise([{"a": drawn(0, 2)}, {"a": drawn(0, 3)}]), "no layer has the same name and shape"),
    ],
)
def test_what_cannot_be_compared_is_one_message(call, message):
    """Masks of other shapes, other types, and networks without a common layer."""
    with pytest.raises(LotteryError, match=message):
        call()


@pytest.mark.parametrize("size", [1, 63, 64, 65, 5000, 64 * 2048 + 3])
def test_all_pairs_equal_pair_after_pair(size):
    """Whatever a layer's size leaves of the last word and block; empty masks and other heads among them."""
    networks = [{"a": drawn(seed, size, density=seed / 4), "b": drawn(seed + 9, 3, 3)} for seed in range(5)]
    networks += [{"a": drawn(0, size, density=0)}, {"a": drawn(0, size, density=0), "b": drawn(7, 2, 2)}]
    found = pairwise(networks)
    assert found.shape == (7, 7) and found.dtype == np.float64 and (found == found.T).all()
    for (i, first), (j, second) in itertools.product(enumerate(networks), repeat=2):
        assert found[i, j] == similarity(first, second)["total"]["jaccard"]


def test_bits_are_counted_alike_by_every_numpy():
    """By numpy's own function where it has one, and by a table of 16 bits."""
    words = np.array([[0, 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF]], np.uint64)
    plain = [sum(int(word).bit_count() for word in row) for row in words]
    assert COUNTED(words).sum(1).tolist() == by_table(words).sum(1).tolist() == plain


def test_chance_is_the_density_over_two_less_of_it():
    """Independent masks of one density d have a similarity of about d / (2 - d)."""
    for density in (0.64, 0.2, 0.0115):
        a, b = (drawn(seed, 400_000, density=density) for seed in (1, 2))
        both = 400_000 * density**2
        assert jaccard(a, b) == pytest.approx(density / (2 - density), rel=5 / math.sqrt(both))
