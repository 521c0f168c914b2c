"""Experiments: an arm made concrete for one seed and one round, named by its content, with what it rests on."""

from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lottery import criteria, treatments
from lottery.arms import DENSE, ITERATIVE, Arm, chain
from lottery.datasets import Dataset
from lottery.fingerprints import canonical, digest, source_digest
from lottery.masks import keep, ranking
from lottery.networks import Layer, Network, network
from lottery.perceptrons import Layout, initial_weights
from lottery.recipes import Setting
from lottery.scales import SUPERMASK_ROUNDS
from lottery.store import Entry
from lottery.streams import stream
from lottery.training import VERSION

Weights = list[Tensor]  # one tensor (inputs, outputs) a layer
Masks = list[Tensor]  # one bool tensor (inputs, outputs) a layer, True = kept


@dataclass(frozen=True)
class Experiment:
    """One network of one arm: trained after `round` rounds of pruning, or, for an untrained arm, evaluated at all rounds."""

    setting: Setting
    arm: Arm
    round: int
    seed: int

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"{self.setting.network}, {self.arm.name}, round {self.round}, seed {self.seed}"

    @property
    def steps(self) -> int:
        """Number of training steps it costs."""
        return self.setting.recipe.iterations if self.arm.trained else 0


def experiment(setting: Setting, arm: Arm, round: int, seed: int) -> Experiment:
    """Return the experiment of an arm at a round. Before the first round every trained arm is the dense network."""
    if round == 0 and arm.trained:
        arm = DENSE
    return Experiment(setting, arm, round if arm.trained else 0, seed)


def parent(one: Experiment) -> Experiment | None:
    """Return the experiment whose trained weights decide about this one's mask, or None where nothing trained does."""
    arm = one.arm
    if arm.criterion is None or not criteria.needs_training(arm.criterion):
        return None
    if not arm.trained or arm.schedule != ITERATIVE:
        return experiment(one.setting, DENSE, 0, one.seed)
    source = chain(arm.criterion) if arm.branch else arm
    return experiment(one.setting, source, one.round - 1, one.seed)


def key(one: Experiment, data: Dataset, precision: str) -> str:
    """Return the experiment's name in the store: a hash of everything its result depends on, but for device and torch's version."""
    arm, architecture = one.arm, network(one.setting.network)
    science = [initial_weights, stream]
    if arm.criterion is not None:
        science += [masks_of, rungs_of, next_masks, Network.kept, criteria.find(arm.criterion), treatments.find(arm.treatment)]
        science += [treatments.find("rewind")] if arm.branch else []
    request = {
        "engine": VERSION,
        "precision": precision,
        "network": [[layer.name, layer.shape, str(architecture.rate(layer))] for layer in architecture.layers],
        "data": [one.setting.dataset, data.fingerprint],
        "recipe": asdict(one.setting.recipe),
        "arm": [arm.schedule, arm.branch, arm.trained] if arm.criterion else "dense",
        "rounds": one.round if arm.trained else list(SUPERMASK_ROUNDS),
        "seed": one.seed,
        "science": source_digest(*science),
    }
    return digest(canonical(request))


def starts(one: Experiment, round: int, masks: Masks | None) -> Weights:
    """Return the values that the network starts from at this round: m * f(w_init), pruned weights at zero; dense without masks."""
    initial = initial_weights(network(one.setting.network), one.seed)
    if masks is None:
        return initial
    treat = treatments.find(one.arm.treatment)
    layers = network(one.setting.network).layers
    return [
        torch.where(mask, treat(w_init, stream(one.seed, "treatment", one.arm.treatment, round, layer.name)), 0.0)
        for layer, w_init, mask in zip(layers, initial, masks)
    ]


def ranks_after(one: Experiment, round: int, masks: Masks, w_init: Weights, w_final: Weights) -> list[Tensor]:
    """Return every layer's ranks (weights,) by the arm's criterion at the end of a round; ties are drawn per seed, round and layer."""

    def rank(layer: Layer, mask: Tensor, w_init: Tensor, w_final: Tensor) -> Tensor:
        scores = criteria.score(
            one.arm.criterion,
            w_init=w_init.unsqueeze(0),
            w_final=w_final.unsqueeze(0),
            mask=mask.unsqueeze(0),
            generator=stream(one.seed, "criterion", round, layer.name),
        )
        return ranking(scores[0], mask, stream(one.seed, "ties", round, layer.name))

    return [rank(*layer) for layer in zip(network(one.setting.network).layers, masks, w_init, w_final)]


def cut(one: Experiment, ranks: list[Tensor], round: int) -> Masks:
    """Return the masks that leave each layer what it keeps after `round` rounds."""
    architecture = network(one.setting.network)
    return [keep(rank, count, layer.shape) for rank, count, layer in zip(ranks, architecture.kept(round), architecture.layers)]


def no_masks(one: Experiment) -> Masks:
    """Return masks that keep everything."""
    return [torch.ones(layer.shape, dtype=torch.bool) for layer in network(one.setting.network).layers]


def dense_ranks(one: Experiment, dense: Entry | None) -> list[Tensor]:
    """Return the ranks by the trained dense network, whose entry is `dense`, or by the initial weights if training does not matter."""
    initial = starts(one, 0, None)
    if dense is None:
        return ranks_after(one, 0, no_masks(one), initial, initial)
    final = Layout(network(one.setting.network)).weight_views(torch.from_numpy(dense.arrays["final"]).unsqueeze(0))
    return ranks_after(one, 0, no_masks(one), initial, [weights[0] for weights in final])


def masks_of(one: Experiment, source: Entry | None) -> Masks | None:
    """Return the masks of a trained experiment, None for the dense network. `source` is its parent's entry."""
    if one.arm.criterion is None:
        return None
    if source is not None and "next_masks" in source.arrays:
        return unpack(one, source.arrays["next_masks"])
    if source is None and one.arm.schedule == ITERATIVE:
        return _masks_before_training(one)
    return cut(one, dense_ranks(one, source), one.round)


def rungs_of(one: Experiment, source: Entry | None) -> list[Masks]:
    """Return the masks of an untrained experiment at every rung: one ranking, cut ever shorter."""
    ranks = dense_ranks(one, source)
    return [cut(one, ranks, round) for round in SUPERMASK_ROUNDS]


def next_masks(one: Experiment, masks: Masks, final: Tensor) -> Masks:
    """Return the masks of a chain's next round, from the trained parameters `final` (P,) of this one."""
    trained = [weights[0] for weights in Layout(network(one.setting.network)).weight_views(final.unsqueeze(0))]
    return cut(one, ranks_after(one, one.round, masks, starts(one, one.round, masks), trained), one.round + 1)


def _masks_before_training(one: Experiment) -> Masks:
    """Return the masks of a chain whose criterion looks at initial weights alone: round by round, without training in between."""
    source = replace(one, arm=chain(one.arm.criterion)) if one.arm.branch else one
    masks, weights = no_masks(one), starts(one, 0, None)
    for round in range(one.round):
        masks = cut(one, ranks_after(source, round, masks, weights, weights), round + 1)
        weights = starts(source, round + 1, masks)
    return masks


def pack(masks: Masks) -> np.ndarray:
    """Return masks as one array of bits, layer after layer."""
    return np.packbits(torch.cat([mask.flatten() for mask in masks]).numpy())


def unpack(one: Experiment, bits: np.ndarray) -> Masks:
    """Return the masks that `pack` packed."""
    layers = network(one.setting.network).layers
    flat = torch.from_numpy(np.unpackbits(bits, count=sum(layer.weights for layer in layers)).astype(bool))
    return [part.view(layer.shape) for part, layer in zip(flat.split([layer.weights for layer in layers]), layers)]
