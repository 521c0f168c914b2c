"""Chains: the masks and starts of round after round of pruning, on lists of weights (inputs, outputs) a layer."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.experiments.arms import Iterative, OneShot, Reset, Units
from lottery.experiments.experiment import Experiment
from lottery.experiments.network_data import data_of
from lottery.experiments.parts import Masks, Weights
from lottery.masks.kept_values import TREATMENTS
from lottery.masks.mask_statistics import pruning
from lottery.masks.pruned_values import PRUNED
from lottery.masks.ranking import keep, ranking, ties_of
from lottery.masks.saliency import EACH_CLASS, Parameters, Saliency, forward_of
from lottery.masks.scores import scores
from lottery.masks.structured import ranking_of_units
from lottery.models.initialisers import INITIALISERS, initial_rest, initial_weights
from lottery.store.fingerprints import listed


def initial(experiment: Experiment) -> Weights:
    """Return the weights that the replica was initialised with."""
    return initial_weights(experiment.setting.architecture, experiment.seed)


def joined(experiment: Experiment, weights: Weights) -> Tensor:
    """Return parameters (P,) with these weights, all else as it was when the replica was initialised."""
    architecture = experiment.setting.architecture
    return architecture.layout.join(weights, initial_rest(architecture, experiment.seed))


def no_masks(experiment: Experiment) -> Masks:
    """Return masks that keep everything."""
    return [torch.ones(layer.shape, dtype=torch.bool) for layer in experiment.setting.architecture.layers]


def weights_of(experiment: Experiment, parameters: Tensor) -> Weights:
    """Return the weights, layer by layer, among parameters (P,)."""
    return [weights[0] for weights in experiment.setting.architecture.layout.weight_views(parameters.unsqueeze(0))]


def treated(experiment: Experiment, reset: Reset, round: int, masks: Masks, previous: Weights) -> Weights:
    """Return the start m * f(w_init) of a round. `previous` is what the round before started from."""
    architecture = experiment.setting.architecture
    purpose = ("treatment", reset.treatment, round) + ((reset.draw,) if reset.draw else ())
    return [
        torch.where(
            mask,
            TREATMENTS.call(
                reset.treatment,
                w_init=w_init,
                w_start=w_start,
                mask=mask,
                initialiser=functools.partial(INITIALISERS.find(architecture.initialiser), layer),
                generator=stream(experiment.seed, *purpose, layer.name),
            ),
            0.0,
        )
        for layer, w_init, w_start, mask in zip(architecture.layers, initial(experiment), previous, masks)
    ]


def zeroed(
    experiment: Experiment, action: str, round: int, following: Masks, masks: Masks, start: Weights, final: Weights
) -> Weights:
    """Return where the next round starts when not all pruned weights are at zero: there where `action` says so.

    Everywhere else it is at w_init. `following` are the next round's masks; `masks`, `start` and `final` are this
    round's masks and weights before and after training.
    """
    layers = experiment.setting.architecture.layers
    zeros = [
        PRUNED.call(
            action,
            mask=mask,
            newly=before & ~mask,
            shrank=w_f.abs() < w_i.abs(),
            grew=w_f.abs() > w_i.abs(),
            was_zero=w_i == 0,
            generator=stream(experiment.seed, "pruned", action, round, layer.name),
        )
        for layer, mask, before, w_i, w_f in zip(layers, following, masks, start, final)
    ]
    return [torch.where(zero, 0.0, w) for zero, w in zip(zeros, initial(experiment))]


def pruned_in(
    experiment: Experiment, masks: Masks, following: Masks, start: Tensor, final: Tensor
) -> dict[str, dict[str, float]]:
    """Return, layer by layer, what became of the weights that a round prunes while it was trained.

    `masks` are those that it was trained under, `following` the next round's; `start` and `final` are parameters (P,).
    """
    names, round = [layer.name for layer in experiment.setting.architecture.layers], experiment.round
    return {
        name: pruning(mask, after, w_start, w_final, stream(experiment.seed, "pruned by chance", round, name))
        for name, mask, after, w_start, w_final in zip(
            names, masks, following, weights_of(experiment, start), weights_of(experiment, final)
        )
    }


def spread(kept: np.ndarray, masks: Masks) -> Weights:
    """Return weights with the values `kept` where the masks keep any, layer after layer, and zeros elsewhere."""
    parts, weights = torch.from_numpy(kept).split([int(mask.sum()) for mask in masks]), []
    for part, mask in zip(parts, masks):
        weights.append(torch.zeros(mask.shape))
        weights[-1][mask] = part
    return weights


def ranks(
    experiment: Experiment, by: Iterative | OneShot, round: int, masks: Masks, start: Tensor, final: Tensor
) -> list[Tensor]:
    """Return every layer's ranks (weights,) at the end of a round, from the parameters (P,) before and after it.

    Ranked globally, a rank counts the weights of all layers that are pruned. Ties are drawn per seed, criterion, round
    and layer.
    """
    architecture, seed = experiment.setting.architecture, experiment.seed
    ties = functools.partial(ties_of, seed, by.criterion, round)
    by_name = dict(zip([layer.name for layer in architecture.layers], masks))

    def saliency(parameters: Parameters) -> Saliency:
        images, labels = scored_images(experiment, round)
        return Saliency(forward_of(architecture), parameters, by_name, images, labels, architecture.loss)

    layout = architecture.layout
    found = scores(by.criterion, seed, round, by_name, layout.parts(start), layout.parts(final), saliency)
    if units := units_of(by):
        return [
            ranking_of_units(found[layer.name], mask, layer.axis(units.side), units.norm, ties(layer.name))
            for layer, mask in zip(architecture.layers, masks)
        ]
    if scope(experiment, by) == "layer":
        return [ranking(found[name], by_name[name], ties(name)) for name in by_name]
    pruned = {layer.name: layer.weights for layer in architecture.layers if architecture.rate(layer)}
    flat, mask = (torch.cat([values[name].flatten() for name in pruned]) for values in (found, by_name))
    together = dict(zip(pruned, ranking(flat, mask, ties("all")).split(list(pruned.values()))))
    return [together.get(layer.name, torch.arange(layer.weights)) for layer in architecture.layers]


def scope(experiment: Experiment, by: Iterative | OneShot) -> str:
    """Return "layer" or "global", how weights are ranked: as the arm says, else as the architecture does."""
    return getattr(by, "scope", "") or experiment.setting.architecture.scope


def units_of(by: Iterative | OneShot) -> Units | None:
    """Return the units that are pruned as wholes, None where weights are."""
    return getattr(by, "units", None)


def cut(experiment: Experiment, by: Iterative | OneShot, ranked: list[Tensor], round: int) -> Masks:
    """Return the masks that leave each layer, or all pruned layers together, what is kept after `round` rounds."""
    architecture = experiment.setting.architecture
    if units := units_of(by):
        counts = architecture.kept_of_units(round, units.side)
    elif scope(experiment, by) == "layer":
        counts = architecture.kept(round)
    else:
        in_all = architecture.kept_in_all(round)
        counts = tuple(in_all if architecture.rate(layer) else layer.weights for layer in architecture.layers)
    return [keep(rank, count, layer.shape) for rank, count, layer in zip(ranked, counts, architecture.layers)]


def cut_like(experiment: Experiment, by: OneShot, ranked: list[Tensor], like: Masks) -> Masks:
    """Return the masks that leave each layer, or all pruned layers together, as many weights as `like` has there."""
    architecture = experiment.setting.architecture
    counts = [int(mask.sum()) for mask in like]
    if scope(experiment, by) == "global":
        pruned = [bool(architecture.rate(layer)) for layer in architecture.layers]
        together = sum(number for number, of in zip(counts, pruned) if of)
        counts = [together if of else layer.weights for layer, of in zip(architecture.layers, pruned)]
    return [keep(rank, number, layer.shape) for rank, number, layer in zip(ranked, counts, architecture.layers)]


def count(masks: Masks) -> int:
    """Return how many weights masks keep."""
    return sum(int(mask.sum()) for mask in masks)


def fitted(experiment: Experiment, masks: Masks) -> Masks:
    """Return masks, of another task's network perhaps, as an experiment's network has them.

    An output layer for another number of classes is whole: nothing is known about its weights.
    """
    layers = experiment.setting.architecture.layers
    if len(masks) != len(layers) or any(mask.shape != layer.shape for mask, layer in zip(masks[:-1], layers)):
        raise LotteryError(f"{experiment.name}: masks of one network do not fit another; they may differ in the head")
    fits = masks[-1].shape == layers[-1].shape
    return [*masks[:-1], masks[-1] if fits else torch.ones(layers[-1].shape, dtype=torch.bool)]


def dense_ranks(experiment: Experiment, by: Iterative | OneShot, final: np.ndarray | None) -> list[Tensor]:
    """Return the ranks by the trained dense network's parameters, or by initial weights where there are none."""
    start = joined(experiment, initial(experiment))
    return ranks(experiment, by, 0, no_masks(experiment), start, start if final is None else torch.from_numpy(final))


@listed
def scored_images(experiment: Experiment, round: int) -> tuple[Tensor, Tensor]:
    """Return the training images, and their labels, that a round's saliencies are taken on: ten a class on average."""
    data = data_of(experiment.setting).train
    count = EACH_CLASS * experiment.setting.architecture.layers[-1].fan_out
    chosen = torch.randperm(len(data.images), generator=stream(experiment.seed, "scored images", round))[:count]
    return data.images[chosen], data.labels[chosen]


def pack(masks: Masks) -> np.ndarray:
    """Return masks as one array of bits, layer after layer."""
    return np.packbits(torch.cat([mask.flatten() for mask in masks]).numpy())


def unpack(experiment: Experiment, bits: np.ndarray) -> Masks:
    """Return the masks that `pack` packed."""
    layers = experiment.setting.architecture.layers
    flat = torch.from_numpy(np.unpackbits(bits, count=sum(layer.weights for layer in layers)).astype(bool))
    return [part.view(layer.shape) for part, layer in zip(flat.split([layer.weights for layer in layers]), layers)]
