"""Counts of weights and parameters that are left: Paganini & Forde's table, and torch.nn.utils.prune as the oracle."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils import prune

from lottery.core.errors import LotteryError
from lottery.models.architectures import RoundedArchitecture, left, network, removed
from lottery.models.counts import as_printed, parameters, parameters_left, sparsity, table_1
from tests.small_networks import SMALL_NETWORKS

# Paganini & Forde 2020, Table 1, columns `s`: thousands of parameters after 1, 2, ... 20 prunings.
PRINTED = {
    "lenet-conv": "48 38 30 24 19 15 12 10 8.3 6.7 5.4 4.3 3.5 2.9 2.3 1.9 1.6 1.3 1.1 0.9",
    "alexnet-224": "45637 36512 29211 23371 18698 14960 11970 9578 7664 6133 4908 3928 3144 2517 2016 1614 1293 1036 "
    "831 666",
    "vgg11-224": "103048 82440 65954 52765 42214 33774 27021 21619 17297 13840 11074 8861 7091 5675 4542 3636 2911 "
    "2331 1867 1495",
    "resnet18-224": "8981 7221 5813 4687 3786 3065 2488 2027 1658 1362 1126 937 786 665 568 491 429 379 340 308",
}
ALL_LENET = (
    *(48106, 38532, 30873, 24746, 19844, 15922, 12785, 10275, 8267, 6661),
    *(5376, 4348, 3526, 2868, 2342, 1921, 1584, 1314, 1098, 926),
)
FIFTH = Fraction(1, 5)


@pytest.mark.parametrize("name", PRINTED)
def test_table_1_is_met_to_the_last_digit(name):
    """All twenty rows; of ResNet-18 because its 1x1 convolutions are never pruned."""
    assert [as_printed(count) for count in table_1()[name]] == PRINTED[name].split()


@pytest.mark.parametrize(
    "name, weights, all_of_them, prunable",
    [
        ("lenet-conv", 59_838, 60_074, 59_838),
        ("alexnet-224", 57_035_456, 57_044_810, 57_035_456),
        ("vgg11-224", 128_796_352, 128_807_306, 128_796_352),
        ("resnet18-224", 11_000_000 + 172_032, 11_181_642, 11_000_000),
    ],
)
def test_torchvisions_networks_have_the_papers_counts(name, weights, all_of_them, prunable):
    """Weights, all parameters, and the weights that are ever pruned, with ten classes."""
    architecture = network(name)
    assert (architecture.weights, parameters(architecture)) == (weights, all_of_them)
    assert architecture.kept_in_all(0) == prunable


def test_lenets_parameters_are_counted_one_by_one():
    """The whole numbers behind its column, and the shares that the paper prints of them."""
    lenet = network("lenet-conv")
    assert table_1()["lenet-conv"] == ALL_LENET
    assert float(sparsity(lenet, 0)) == 0 and float(sparsity(lenet, 2)) == pytest.approx(0.359, abs=5e-4)
    assert parameters_left(replace(lenet, scope="layer"), 20) == 927


@given(st.integers(0, 2**31), st.sampled_from((5, 10, 20, 25, 50, 75)))
def test_removed_is_what_torch_removes(count, per_cent):
    """For whole per cents, up to more weights than any of the networks has; halves go to the even number."""
    theirs = prune._compute_nparams_toprune(per_cent / 100, count)
    assert removed(count, Fraction(per_cent, 100)) == theirs
    assert abs(removed(count, Fraction(per_cent, 100)) - Fraction(per_cent, 100) * count) <= Fraction(1, 2)


@given(st.integers(0, 10**6), st.integers(0, 30), st.integers(0, 30))
def test_rounds_add_up(count, first, more):
    """Some rounds, and others upon what they left, are all of them at once; nothing grows, and two is where it ends."""
    assert left(left(count, FIFTH, first), FIFTH, more) == left(count, FIFTH, first + more) <= left(count, FIFTH, first)
    assert left(count, FIFTH, 100) == min(count, 2)


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_lenets_ladder_is_torchs(scope):
    """Twenty times torch's own pruning of a fifth, of the whole network and of each layer: what is left each time."""
    lenet = replace(network("lenet-conv"), scope=scope)
    module = lenet.build()
    parts = [module.get_submodule(layer.path) for layer in lenet.layers]
    for round in range(1, 21):
        if scope == "global":
            prune.global_unstructured([(part, "weight") for part in parts], prune.L1Unstructured, amount=0.2)
            assert sum(int(part.weight_mask.sum()) for part in parts) == lenet.kept_in_all(round)
        else:
            for part in parts:
                prune.l1_unstructured(part, "weight", amount=0.2)
            assert tuple(int(part.weight_mask.sum()) for part in parts) == lenet.kept(round)


def test_a_rounded_network_refuses_what_others_refuse():
    """One ranking needs a single rate; an arm may rank its layers by themselves all the same."""
    whole = network("lenet-conv")
    assert whole.kept(1)[0] == 54 - 11
    rates = (*whole.pruned_per_round[:2], ("output", Fraction(1, 10)))
    with pytest.raises(LotteryError, match="2 rates of pruning"):
        replace(whole, pruned_per_round=rates).kept_in_all(1)


def test_counts_of_floors_are_counted_as_well():
    """A network of the other papers, in its own scope: all parameters without what its layers lose."""
    for name in ("pairs", "ranked as a whole", "normalised"):
        small = SMALL_NETWORKS[name]
        together = small.scope == "global"
        for rounds in range(4):
            lost = (
                small.kept_in_all(0) - small.kept_in_all(rounds)
                if together
                else small.weights - sum(small.kept(rounds))
            )
            assert parameters_left(small, rounds) == sum(p.numel() for p in small.build().parameters()) - lost


def test_only_networks_that_round_are_rounded():
    """The other papers' take the floor, which differs."""
    assert type(network("resnet-18")) is not RoundedArchitecture
    assert replace(network("lenet-conv"), scope="layer").kept(1)[0] == 54 - 11 == 54 - round(10.8)
    assert network("conv-2").kept(1)[0] == 1728 - 172 == 1728 - int(172.8)
