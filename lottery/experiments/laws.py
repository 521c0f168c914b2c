"""One small cycle of train, prune, reset, train again, looked at whole: what structural claims are checked on."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lottery.core.rng import stream
from lottery.data.catalogue import noise
from lottery.data.datasets import Dataset
from lottery.experiments import chain_masks as chains
from lottery.experiments.all_parts import parents
from lottery.experiments.arms import DENSE
from lottery.experiments.experiment import Experiment, experiment
from lottery.experiments.named_arms import branch, chain
from lottery.experiments.parts import Prepared, part_of
from lottery.models.architectures import network
from lottery.models.evaluation import evaluate
from lottery.models.model import model_of
from lottery.store.store import Record
from lottery.training.config import Config, Setting
from lottery.training.fit import Replica, fit
from lottery.training.parametrisation import Identity

STEPS, ROUNDS = 20, 3
IMAGES = (600, 100, 500)  # for training, validation, test


@dataclass(frozen=True)
class Layer:
    """One layer in one round of pruning, each field (inputs, outputs).

    `mask_before` and `trained_before` are of the round before; `mask`, `start` and `trained` this round's; `redrawn` is
    the start of a random reinitialisation under the same mask, `w_init` the first initialisation.
    """

    w_init: Tensor
    mask_before: Tensor
    trained_before: Tensor
    mask: Tensor
    start: Tensor
    trained: Tensor
    redrawn: Tensor


def random_pixels(name: str) -> Dataset:
    """Return images of a network's size without meaning."""
    architecture = network(name)
    return noise(architecture.input_shape, architecture.layers[-1].fan_out, IMAGES)


@functools.cache
def layers(name: str) -> list[Layer]:
    """Return every layer of a network in its first rounds under large_final, trained for a few steps on random pixels.

    Masks, starts and frozen weights are the suite's; what is in the pixels does not matter to them.
    """
    setting, data = Setting(name, "mnist", Config("adam", 1.2e-3, 60, STEPS, STEPS)), random_pixels(name)
    model, before = model_of(setting.architecture), None
    found: list[Layer] = []
    records: dict[Experiment, Record] = {}
    for round in range(ROUNDS + 1):
        one = experiment(setting, chain("large_final"), round, seed=0)
        made = _begin(one, records)
        replica = Replica(made.start, made.cut.trainable, (0, "data order", round))
        final = fit(model, Identity, data, setting.config, [replica], [])[0].final
        now = (
            made.cut.masks or chains.no_masks(one),
            chains.weights_of(one, made.start),
            chains.weights_of(one, final),
        )
        if before is not None:
            redrawn = _begin(experiment(setting, branch("large_final", "reinit"), round, seed=0), records).start
            found += map(Layer, chains.initial(one), before[0], before[2], *now, chains.weights_of(one, redrawn))
        records[one], before = part_of(one.arm.mask)(one).carry(made.cut, made.start, final), now
    return found


def _begin(one: Experiment, records: Mapping[Experiment, Record]) -> Prepared:
    sources = {parent: records[parent] for parent in parents(one)}
    cut = part_of(one.arm.mask)(one).cut(sources)
    return Prepared(cut, part_of(one.arm.start)(one).begin(cut, sources))


def everywhere(name: str, holds: Callable[[Layer], bool]) -> bool:
    """Return whether a law holds in every layer and round."""
    return all(holds(layer) for layer in layers(name))


def survivors_are_largest(layer: Layer) -> bool:
    """Return whether no weight that was pruned had been larger, after training, than one that was kept."""
    magnitude, pruned = layer.trained_before.abs(), layer.mask_before & ~layer.mask
    return bool(magnitude[pruned].max() <= magnitude[layer.mask].min())


def masks_are_nested(layer: Layer) -> bool:
    """Return whether nothing came back that was pruned before, and something was pruned."""
    return not (layer.mask & ~layer.mask_before).any() and bool(layer.mask.sum() < layer.mask_before.sum())


def survivors_are_reset(layer: Layer) -> bool:
    """Return whether the kept weights start, bit by bit, from their first initialisation."""
    return torch.equal(layer.start[layer.mask], layer.w_init[layer.mask])


def pruned_stay_zero(layer: Layer) -> bool:
    """Return whether pruned weights are exactly zero after training, while kept ones have moved."""
    return not layer.trained[~layer.mask].any() and not torch.equal(layer.trained[layer.mask], layer.start[layer.mask])


def redrawn_alike(layer: Layer) -> bool:
    """Return whether a reinitialisation is another draw from the distribution of the initial weights, all of it.

    Told by Kolmogorov and Smirnov's test of two samples, which a fair draw fails once in 100,000 times.
    """
    from scipy.stats import ks_2samp

    drawn = layer.redrawn[layer.mask]
    alike = ks_2samp(drawn.numpy(), layer.w_init.flatten().numpy(), method="asymp").pvalue > 1e-5
    return alike and not torch.equal(drawn, layer.start[layer.mask])


def restored_from_bits(name: str) -> dict[str, object]:
    """Return whether a network stored as its seed and one bit a weight predicts the same, and how many bits."""
    setting = Setting(name, "mnist", Config("adam", 1.2e-3, 60, STEPS, STEPS))
    one, layout, test = experiment(setting, DENSE, 0, seed=0), setting.architecture.layout, random_pixels(name).test
    masks = [
        torch.rand(mask.shape, generator=stream(0, "masks to store", number)) < 0.5
        for number, mask in enumerate(chains.no_masks(one))
    ]
    stored = chains.pack(masks).tobytes()
    restored = chains.unpack(one, np.frombuffer(stored, np.uint8))
    networks = [[w * mask for w, mask in zip(chains.initial(one), of)] for of in (masks, restored)]
    model = model_of(setting.architecture)
    outcomes = [
        evaluate(model, layout.join(weights)[None], layout.initial_buffers()[None], test.images, test.labels)
        for weights in networks
    ]
    same = all(torch.equal(*pair) for pair in zip(*outcomes))  # loss and number of correct predictions, to the last bit
    bits = round(8 * len(stored) / setting.architecture.weights, 4)
    return {"same predictions": same, "bits per weight": bits}
