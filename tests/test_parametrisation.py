"""Parametrisations: the contract that the loop relies on, for each of them."""

import functools

import pytest
import torch

from lottery.core.rng import stream
from lottery.models.architectures import network
from lottery.models.initialisers import initial_weights
from lottery.training.learned_masks import Bernoulli, TopK
from lottery.training.parametrisation import Identity
from tests.conftest import SMALL

LAYOUT = network(SMALL).layout


def masks(kind, seeds, **more):
    """Return how starts become the scores or logits of a mask, each replica's drawn from its own stream."""
    streams = [stream(seed, "mask") for seed in seeds]
    shares = {"shares": [0.2 + seed / 10 for seed in seeds]} if kind is TopK else {}
    return functools.partial(kind, layout=LAYOUT, streams=streams, **shares, **more)


PARAMETRISATIONS = {
    "identity": lambda seeds: Identity,
    "Bernoulli": lambda seeds: masks(Bernoulli, seeds),
    "Bernoulli rescaled": lambda seeds: masks(Bernoulli, seeds, rescaled=True, logit=1.0),
    "top-k": lambda seeds: masks(TopK, seeds),
    "top-k of biases, too": lambda seeds: masks(TopK, seeds, biases=True),
    "annealed top-k": lambda seeds: masks(TopK, seeds, annealed=[seed % 2 == 0 for seed in seeds]),
}


def made(name, seeds):
    """Return a parametrisation of replicas with these seeds, refreshed once."""
    start = torch.stack([LAYOUT.join(initial_weights(network(SMALL), seed)) for seed in seeds])
    one = PARAMETRISATIONS[name](seeds)(start.clone())
    one.refresh()
    return start, one


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_blocks_have_one_shape_and_padding_stays_empty(name):
    """Trained and effective parameters and their gradients are all (R, P); nothing gets into the padding."""
    start, one = made(name, [0, 1, 2])
    for block in (one.trained, one.gradient, one.effective, one.effective_gradient):
        assert block.shape == start.shape and block.dtype == start.dtype
    assert not one.effective[:, LAYOUT.count :].any()


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_what_is_kept_has_the_start_s_value(name):
    """Effective parameters are the frozen ones, scaled by one factor a layer, or zero."""
    start, one = made(name, [0, 1])
    for was, now in zip(LAYOUT.weight_views(start), LAYOUT.weight_views(one.effective)):
        for before, after in zip(was, now):
            ratios = (after / before)[after != 0]
            assert len(ratios) and torch.allclose(ratios, ratios[0].expand_as(ratios), rtol=1e-5)
            assert "rescaled" in name or torch.equal(after[after != 0], before[after != 0])


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_pulling_back_writes_the_gradient_alone(name):
    """What the network's gradient is, and the parameters, are only read."""
    _, one = made(name, [0, 1])
    one.effective_gradient.normal_(generator=torch.Generator().manual_seed(0))
    read = [one.trained, one.effective, one.effective_gradient]
    before = [block.clone() for block in read]
    one.pull_back()
    assert all(map(torch.equal, before, read)) and one.gradient.isfinite().all() and one.gradient.any()


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_replicas_do_not_know_each_other(name):
    """Effective parameters and gradients of a replica are the same to the bit, whoever shares the block."""
    together, alone = made(name, [3, 5, 8])[1], made(name, [5])[1]
    gradient = torch.randn(together.trained.shape[1], generator=torch.Generator().manual_seed(1))
    for one in (together, alone):
        one.effective_gradient.copy_(gradient.expand_as(one.effective_gradient))
        one.pull_back()
    assert torch.equal(together.effective[1], alone.effective[0])
    assert torch.equal(together.gradient[1], alone.gradient[0])


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_annealing_says_whether_anything_changes(name):
    """Only annealed masks change from interval to interval, and end at their share."""
    _, one = made(name, [0, 1])
    assert one.anneal(0.5) is (name == "annealed top-k")
    if name == "annealed top-k":
        one.refresh()
        halfway = one.remaining()
        assert one.anneal(1.0)
        one.refresh()
        assert halfway[0] > one.remaining()[0] == pytest.approx(20, abs=1) and halfway[1] == one.remaining()[1]
