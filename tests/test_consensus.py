"""Consensus of masks: its bounds, monotone in the votes, the masks and the rounds, and networks with other heads."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lottery.core.errors import LotteryError
from lottery.masks.consensus import agreed, consensus, intersection, union, votes
from lottery.masks.similarity import nested


@st.composite
def several(draw):
    """Up to six masks of one layer."""
    size = draw(st.integers(1, 8))
    mask = st.lists(st.booleans(), min_size=size, max_size=size).map(torch.tensor)
    return draw(st.lists(mask, min_size=1, max_size=6))


@given(several())
def test_votes_are_counted(masks):
    """As a sum of the masks says, whatever their order."""
    plain = torch.stack(masks).int().sum(0)
    assert torch.equal(votes(masks), plain.int()) and torch.equal(votes(masks[::-1]), plain.int())
    assert votes(masks).dtype == torch.int32


@given(several())
def test_consensus_is_monotone(masks):
    """Every vote more keeps less, from union to intersection; a mask more shrinks the one and extends the other."""
    ladder = [consensus(masks, least) for least in range(1, len(masks) + 1)]
    assert all(nested(later, earlier) for earlier, later in zip(ladder, ladder[1:]))
    assert torch.equal(ladder[0], union(masks)) and torch.equal(ladder[-1], intersection(masks))
    everything = torch.stack(masks)
    assert torch.equal(union(masks), everything.any(0)) and torch.equal(intersection(masks), everything.all(0))
    assert nested(intersection(masks), intersection(masks[:-1] or masks))
    assert nested(union(masks[:-1] or masks), union(masks))


@given(several(), st.data())
def test_later_rounds_agree_on_less(masks, data):
    """Masks that are pruned further have a consensus inside the earlier one, for any number of votes."""
    pruned = [mask & torch.rand(mask.shape, generator=torch.Generator().manual_seed(7)).gt(0.3) for mask in masks]
    least = data.draw(st.integers(1, len(masks)))
    assert nested(consensus(pruned, least), consensus(masks, least))


@given(several(), st.permutations(range(8)))
def test_places_have_no_order(masks, order):
    """The consensus of permuted masks is the permuted consensus."""
    places = torch.tensor([place for place in order if place < len(masks[0])])
    assert torch.equal(intersection([mask[places] for mask in masks]), intersection(masks)[places])


def test_chance_of_a_unanimous_vote():
    """Of N independent masks of density d a share of d to the N is in all (Paganini & Forde 2020, appendix E)."""
    masks = [torch.rand(200_000, generator=torch.Generator().manual_seed(seed)) < 0.64 for seed in range(5)]
    expected = 0.64**5
    assert abs(intersection(masks).double().mean() - expected) < 5 * (expected * (1 - expected) / 200_000) ** 0.5


def test_networks_agree_layer_by_layer():
    """A head for other classes has no consensus; the other layers have that of their masks."""
    sizes = [(False, 2), (True, 9)]
    networks = [{"body": torch.tensor([True, kept]), "head": torch.arange(size) < 5} for kept, size in sizes]
    found = agreed(networks, 2)
    assert list(found) == ["body"] and found["body"].tolist() == [True, False]
    assert agreed(networks, 1)["body"].tolist() == [True, True]
    assert agreed([networks[0], networks[0]], 2)["head"].tolist() == [True, True]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda mask: consensus([mask], 0), "a consensus of 0 of 1 masks is none"),
        (lambda mask: consensus([mask, mask], 3), "ask for 1 to 2 of them"),
        (lambda mask: union([]), "there is no mask"),
        (lambda mask: intersection([mask, mask[:1]]), "have no places in common"),
        (lambda mask: votes([mask.float()]), "convert it with mask.bool"),
        (lambda mask: agreed([{"a": mask}, {"a": mask[:1]}], 1), "no layer has the same name and shape"),
        (lambda mask: agreed([], 1), "there are no masks"),
    ],
)
def test_what_cannot_agree_is_one_message(call, message):
    """Too many votes, too few masks, masks of other shapes."""
    with pytest.raises(LotteryError, match=message):
        call(torch.tensor([True, False]))
