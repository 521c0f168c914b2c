"""The engine against a plain loop: one network, `nn.Sequential`, autograd, torch's own optimisers.

In double precision, so that rounding cannot hide a difference.
"""

import functools

import pytest
import torch
from torch import nn

from lottery.core.rng import stream
from lottery.masks.kept_values import TREATMENTS
from lottery.models.architectures import network
from lottery.models.evaluation import evaluate
from lottery.models.initialisers import INITIALISERS, initial_weights
from lottery.models.layout import Layout
from lottery.models.model import model_of
from lottery.training.config import Config
from lottery.training.data_order import DataOrder
from lottery.training.fit import Replica
from tests.conftest import SMALL, random_masks
from tests.training_helpers import train

STEPS = 200
RECIPES = {
    "adam": Config("adam", 1e-2, 20, STEPS, 50),
    "adam with weight decay": Config("adam", 1e-2, 20, STEPS, 50, weight_decay=1e-2),
    "sgd": Config("sgd", 0.1, 20, STEPS, 50),
    "sgd with momentum and weight decay": Config("sgd", 0.05, 20, STEPS, 50, momentum=0.9, weight_decay=1e-3),
}


def plain_loop(start, masks, data, config, order):
    """Return weights and biases after training one network the ordinary way, pruned weights held at their start."""
    model = network(SMALL).build().double()
    network(SMALL).layout.load(model, network(SMALL).layout.join(start).double())
    linears = [part for part in model if isinstance(part, nn.Linear)]
    if config.optimiser == "adam":
        optimiser = torch.optim.Adam(model.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    else:
        optimiser = torch.optim.SGD(
            model.parameters(), config.learning_rate, config.momentum, weight_decay=config.weight_decay
        )
    shuffles, position = stream(*order), len(data.train.images)
    for _ in range(config.iterations):
        if position + config.batch_size > len(data.train.images):
            permutation, position = torch.randperm(len(data.train.images), generator=shuffles), 0
        batch = permutation[position : position + config.batch_size]
        position += config.batch_size
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(data.train.images[batch]), data.train.labels[batch]).backward()
        optimiser.step()
        with torch.no_grad():
            for linear, weight, mask in zip(linears, start, masks):
                linear.weight.copy_(torch.where(mask.t(), linear.weight, weight.t().double()))
    return [linear.weight.detach().t() for linear in linears], [linear.bias.detach() for linear in linears]


def treated(name, seed, masks, pruned_at_init):
    weights = initial_weights(network(SMALL), seed)
    generators = [stream(seed, "test", layer) for layer in range(3)]
    draws = [functools.partial(INITIALISERS.find(network(SMALL).initialiser), layer) for layer in network(SMALL).layers]
    starts = [
        TREATMENTS.call(name, w_init=w, w_start=w, mask=mask, initialiser=draw, generator=g)
        for w, mask, draw, g in zip(weights, masks, draws, generators)
    ]
    return [torch.where(mask, start, w if pruned_at_init else 0.0) for mask, start, w in zip(masks, starts, weights)]


@pytest.mark.parametrize("pruned_at_init", [False, True], ids=["pruned at zero", "pruned at init"])
@pytest.mark.parametrize("treatment", sorted(TREATMENTS))
@pytest.mark.parametrize("config", RECIPES.values(), ids=RECIPES)
def test_engine_equals_plain_loop(precise_digits, config, treatment, pruned_at_init):
    """Every treatment under every optimiser ends at the plain loop's weights; frozen weights do not move by a bit."""
    layout, seeds = Layout(network(SMALL)), (3, 4)
    masks = {seed: random_masks(SMALL, seed) for seed in seeds}
    starts = {seed: treated(treatment, seed, masks[seed], pruned_at_init) for seed in seeds}
    replicas = [
        Replica(layout.join(starts[s]).double(), layout.trainable(masks[s]), (s, "data order", 0)) for s in seeds
    ]
    for seed, outcome in zip(seeds, train(SMALL, precise_digits, config, replicas)):
        weights, biases = plain_loop(starts[seed], masks[seed], precise_digits, config, (seed, "data order", 0))
        final = outcome.final.unsqueeze(0)
        for ours, theirs, mask, start in zip(layout.weight_views(final), weights, masks[seed], starts[seed]):
            torch.testing.assert_close(ours[0], theirs, rtol=1e-7, atol=1e-9)
            assert torch.equal(ours[0][~mask], start[~mask].double())
            assert (
                ours[0][mask] != start[mask]
            ).float().mean() > 0.6  # the others move, but for those of pixels that are never lit
        for ours, theirs in zip(layout.bias_views(final), biases):
            torch.testing.assert_close(ours[0, 0], theirs, rtol=1e-7, atol=1e-9)


def test_evaluation_equals_cross_entropy(precise_digits):
    """Loss and correct predictions are those of torch's cross-entropy and arg max."""
    weights, test = [initial_weights(network(SMALL), seed) for seed in range(3)], precise_digits.test
    model = model_of(network(SMALL))
    blocks = torch.stack([model.layout.join(w).double() for w in weights])
    losses, accuracies = evaluate(model, blocks, torch.zeros(3, 0), test.images, test.labels)
    for seed, (first, second, third) in enumerate(weights):
        hidden = (precise_digits.test.images @ first.double()).relu()
        logits = (hidden @ second.double()).relu() @ third.double()
        torch.testing.assert_close(losses[seed], nn.functional.cross_entropy(logits, precise_digits.test.labels))
        assert accuracies[seed] == pytest.approx(
            100 * (logits.argmax(1) == test.labels).double().mean().item(), rel=1e-12
        )


def test_data_order_is_the_plain_one():
    """Each epoch is one permutation, an incomplete batch is dropped, and orders are equal where their names are."""
    orders = [(1, "data order", 0), (2, "data order", 0), (1, "data order", 0)]
    batches = DataOrder(orders, images=50, batch_size=20, device=torch.device("cpu"))
    shuffles, drawn = stream(1, "data order", 0), [next(batches) for _ in range(4)]
    for epoch in (drawn[:2], drawn[2:]):
        assert torch.equal(torch.cat([batch[0] for batch in epoch]), torch.randperm(50, generator=shuffles)[:40])
        for replica in range(3):
            assert len(set(torch.cat([batch[replica] for batch in epoch]).tolist())) == 40
    assert all(torch.equal(batch[0], batch[2]) for batch in drawn)
    assert not torch.equal(drawn[0][0], drawn[0][1])
