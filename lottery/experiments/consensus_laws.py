"""What holds of consensus tickets, and of weights that are cut off, whatever was learned: what exact claims are of."""

from collections.abc import Sequence

import torch

from lottery.core.rng import stream
from lottery.experiments.all_parts import parents
from lottery.experiments.arms import Arm, Iterative
from lottery.experiments.experiment import Experiment, experiment
from lottery.experiments.laws import random_pixels
from lottery.experiments.mask_parts import OtherMask
from lottery.experiments.named_arms import chain, consensus, on
from lottery.masks.effective import effective
from lottery.masks.structured import keep_units
from lottery.models.architectures import network
from lottery.models.counts import sparsity
from lottery.models.initialisers import initial_weights
from lottery.models.layers import INPUTS
from lottery.models.model import model_of
from lottery.training.config import Config, Setting
from lottery.training.fit import Replica, fit
from lottery.training.parametrisation import Identity

LENET, SMALL = "lenet-conv", "lenet-conv-miniature"
STEPS = 20  # of a training whose result does not matter
ORDINARY = 9  # rounds of the ordinary ticket that is about as sparse as a consensus of five tasks
SETTING = Setting(LENET, "mnist", Config("sgd", 0.01, 32, STEPS, STEPS))


def share_left() -> float:
    """Return how sparse two rounds make Lenet, in per cent of all parameters, to one digit."""
    return round(float(100 * sparsity(network(LENET), 2)), 1)


def rounds_of_training(tasks: Sequence[str], rounds: int) -> dict[str, list[int]]:
    """Return how many rounds of training come before a consensus ticket, and before an ordinary one.

    They are counted on the experiments that the suite would train: those after each other, and all of them.
    """
    arms = {consensus([on(task, chain("large_final")) for task in tasks]): rounds, chain("large_final"): ORDINARY}
    tickets = [experiment(SETTING, arm, round, seed=0) for arm, round in arms.items()]
    return {
        "in sequence": [_depth(ticket) for ticket in tickets],
        "in all": [len(_ancestors(ticket)) for ticket in tickets],
    }


def _depth(one: Experiment) -> int:
    return max((1 + _depth(parent) for parent in parents(one)), default=0)


def _ancestors(one: Experiment) -> set[Experiment]:
    return {other for parent in parents(one) for other in (parent, *_ancestors(parent))}


def same_random_masks(rounds: int = 3) -> bool:
    """Return whether random pruning of a seed leaves the same masks on every task, and others with another seed."""
    random = Arm(Iterative("random", "layer"))

    def masks(task: str, seed: int) -> torch.Tensor:
        found = OtherMask(experiment(SETTING, random, rounds, seed), on(task, random), rounds).masks({})
        return torch.cat([mask.flatten() for mask in found])

    first, other, another_seed = masks("mnist", 0), masks("cifar10-grey", 0), masks("mnist", 1)
    return torch.equal(first, other) and not torch.equal(first, another_seed)


def untouched_when_cut_off() -> bool:
    """Return whether weights without a path to an output are, to the last bit, what they were before training.

    Half of each layer's inputs go, at random, so that whole units lead nowhere; some of every layer has to move.
    """
    architecture, data = network(SMALL), random_pixels(SMALL)
    start, masks = initial_weights(architecture, seed=0), []
    for number, layer in enumerate(architecture.layers):
        axis, whole = layer.axis(INPUTS), torch.ones(layer.shape, dtype=torch.bool)
        count = max(1, layer.shape[axis] // 2)
        draws = stream(0, "cut off", number)
        masks.append(keep_units(torch.rand(layer.shape, generator=draws), whole, axis, 1.0, count, draws))
    layout = architecture.layout
    named = {
        f"{layer.path}.weight": mask.t() if mask.dim() == 2 else mask for layer, mask in zip(architecture.layers, masks)
    }
    reached = effective(architecture.module, named, architecture.input_shape)
    config = Config("sgd", 0.05, 20, STEPS, STEPS)
    block = layout.join([weights * mask for weights, mask in zip(start, masks)])
    replica = Replica(block, layout.trainable(masks), (0, "cut off"))
    final = fit(model_of(architecture), Identity, data, config, [replica], [])[0].final
    moved = {
        name: before != after
        for name, before, after in zip(
            named, *([weights[0] for weights in layout.weight_views(one.unsqueeze(0))] for one in (block, final))
        )
    }
    cut = [named[name] & ~reached[name] for name in named]
    turned = [of.t() if of.dim() == 2 else of for of in moved.values()]
    still = not any(bool((of & gone).any()) for of, gone in zip(turned, cut))
    return still and any(map(torch.any, cut)) and all(bool(of.any()) for of in turned)
