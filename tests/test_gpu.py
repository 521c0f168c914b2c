"""The engine on a GPU, where there is one: the same starts and orders, the processor's results within rounding."""

import dataclasses

import numpy as np
import pytest
import torch

from lottery.core.rng import stream
from lottery.data.catalogue import load
from lottery.experiments.computing import compute
from lottery.experiments.experiment import Experiment, experiment
from lottery.experiments.named_arms import scores_sought, singleshot, whole
from lottery.experiments.population import Population
from lottery.experiments.scales import PLANTED, PLANTED_SCORES, SCALES
from lottery.models.architectures import network
from lottery.models.layout import Layout
from lottery.training.config import Config
from lottery.training.learned_masks import Bernoulli
from lottery.training.step import Step
from tests.conftest import SMALL, random_masks, replica
from tests.training_helpers import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_same_as_on_the_processor(optimiser):
    """After 100 steps the weights agree to rounding, and pruned ones are exactly zero on both."""
    config = Config(optimiser, 1e-2, 20, 100, 25, momentum=0.9 if optimiser == "sgd" else 0, weight_decay=1e-4)
    masks = random_masks(SMALL, 0)
    replicas = [replica(SMALL, 0, masks), replica(SMALL, 1)]
    here, there = (train(SMALL, load("digits", device), config, replicas) for device in ("cpu", "cuda:0"))
    for ours, theirs in zip(here, there):
        torch.testing.assert_close(ours.final, theirs.final, rtol=1e-2, atol=1e-3)
        assert abs(ours.measurements["test_accuracy_end"] - theirs.measurements["test_accuracy_end"]) < 1
    frozen = replicas[0].trainable == 0
    assert torch.equal(here[0].final[frozen], there[0].final[frozen])


def test_twice_the_same_on_one_gpu():
    """The same batch on the same device gives the same bits."""
    config = Config("adam", 1e-2, 20, 50, 25)
    first, second = (
        train(SMALL, load("digits", "cuda:0"), config, [replica(SMALL, seed) for seed in range(4)]) for _ in range(2)
    )
    assert all(torch.equal(a.final, b.final) for a, b in zip(first, second))


def test_masks_are_drawn_on_the_device_seed_by_seed():
    """Learned masks far above chance, the same whoever shares the batch, other ones for another seed."""
    layout = Layout(network(SMALL))

    def learned(seeds):
        def parametrise(start):
            return Bernoulli(start, layout, [stream(seed, "supermask") for seed in seeds])

        config = Config("sgd", 20.0, 50, 200, 100, momentum=0.9)
        return train(
            SMALL, load("digits", "cuda:0"), config, [replica(SMALL, seed) for seed in seeds], parametrise=parametrise
        )

    both, alone = learned([0, 1]), learned([1])
    assert all(one.measurements["test_accuracy_end"] > 50 for one in both)
    assert both[0].measurements["test_accuracy_end"] != both[1].measurements["test_accuracy_end"]
    assert abs(both[1].measurements["test_accuracy_end"] - alone[0].measurements["test_accuracy_end"]) < 5


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_captured_step_is_the_step(optimiser, monkeypatch):
    """Replayed from a graph, with learning rates of their own, replicas end as they do step by step."""
    config = Config(optimiser, 1e-2, 20, 60, 20, momentum=0.9 if optimiser == "sgd" else 0)
    replicas = [
        dataclasses.replace(replica(SMALL, seed, random_masks(SMALL, seed)), learning_rate=rate)
        for seed, rate in enumerate((1e-2, 3e-3))
    ]
    captured = train(SMALL, load("digits", "cuda:0"), config, replicas)
    monkeypatch.setattr(Step, "__call__", lambda self, index: self._run(index.reshape(-1)))
    for ours, theirs in zip(captured, train(SMALL, load("digits", "cuda:0"), config, replicas)):
        torch.testing.assert_close(ours.final, theirs.final, rtol=1e-4, atol=1e-5)


def search(arm, seed, training=PLANTED) -> Experiment:
    return experiment(SCALES["tiny"].settings[arm.network][training], arm, 0, seed)


def measured(searches, device):
    """Return the measurements of searches and their masks, bit by bit."""
    records = compute(Population(searches, device), {one: {} for one in searches})
    found = [records[one] for one in searches]
    return [(record.measurements, np.unpackbits(record.arrays["mask"])) for record in found]


def test_searches_as_on_the_processor():
    """As many parameters kept, as many planted ones recovered, tickets as good; edge-popup is captured every epoch."""
    for arm in (singleshot("planted-circle-5", "snip", 0.5), whole("planted-circle-5")):
        here, there = (measured([search(arm, seed) for seed in (0, 1)], device) for device in ("cpu", "cuda:0"))
        for (ours, mask), (theirs, other) in zip(here, there):
            assert mask.sum() == other.sum() and (mask == other).mean() > 0.999
            assert abs(ours["strong"] - theirs["strong"]) < 1 and abs(ours["weak"] - theirs["weak"]) < 3
    popup = search(scores_sought("planted-circle-5", 0.5, annealed=True), 0, PLANTED_SCORES)
    ours, theirs = (measured([popup], device)[0][0] for device in ("cpu", "cuda:0"))
    assert ours["weights_kept"] == theirs["weights_kept"] and abs(ours["strong"] - theirs["strong"]) < 15
