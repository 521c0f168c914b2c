"""Experiments: an arm made concrete for one seed and one round, named by its content, with what it rests on."""

import functools
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lottery.core.rng import stream
from lottery.data.catalogue import load
from lottery.data.datasets import Dataset
from lottery.experiments.arms import DENSE, ITERATIVE, Arm, chain, continued
from lottery.experiments.scales import SUPERMASK_ROUNDS
from lottery.masks import criteria
from lottery.masks.kept_values import TREATMENTS
from lottery.masks.pruned_values import PRUNED, ZERO
from lottery.masks.ranking import keep, ranking
from lottery.masks.saliency import EACH_CLASS, Parameters, Saliency, perceptron
from lottery.masks.scores import scores
from lottery.masks.statistics import anatomy
from lottery.models.architectures import Architecture, network
from lottery.models.initialisers import initial_weights
from lottery.models.layout import Layout
from lottery.store.fingerprints import canonical, digest, source_digest
from lottery.store.store import Record
from lottery.training.config import Setting
from lottery.training.fit import VERSION
from lottery.training.learned_masks import Bernoulli, TopK

Weights = list[Tensor]  # one tensor (inputs, outputs) a layer
Masks = list[Tensor]  # one bool tensor (inputs, outputs) a layer, True = kept


@dataclass(frozen=True)
class Experiment:
    """One network of one arm after `round` rounds of pruning, or, for an untrained arm, at all rounds. Made by `experiment`."""

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
        return self.setting.config.iterations if self.arm.trained else 0


def experiment(setting: Setting, arm: Arm, round: int, seed: int) -> Experiment:
    """Return the experiment of an arm at a round. Before the first round every trained arm is the dense network.

    `setting` is that of the arm's training, which the arm then need not name any more.
    """
    if round == 0 and arm.trained and not arm.supermask:
        arm = DENSE
    arm = replace(arm, training="") if arm.training else arm
    return Experiment(setting, arm, round if arm.trained or arm.dissected else 0, seed)


def rests_on_training(arm: Arm) -> bool:
    """Return whether trained weights decide where the arm's next round starts: about its mask, its frozen values, or all of it."""
    return arm.criterion is not None and (criteria.needs_training(arm.criterion) or arm.pruned != ZERO or not arm.reset)


@functools.singledispatch
def parent(one: Experiment) -> Experiment | None:
    """Return the experiment whose trained weights decide about this one's mask or start, or None where nothing trained does."""
    arm = one.arm
    if not rests_on_training(arm):
        return None
    if arm.schedule != ITERATIVE:
        return dense_of(one)
    trunk = continued(arm.criterion) if arm.trunk == "continued" else chain(arm.criterion)
    source = trunk if arm.branch or arm.dissected else arm
    return experiment(one.setting, source, one.round - 1, one.seed)


def dense_of(one: Experiment) -> Experiment:
    """Return the dense network of the same seed."""
    return experiment(one.setting, DENSE, 0, one.seed)


@functools.singledispatch
def kind(one: Experiment) -> tuple:
    """Return what experiments must have in common to go into one batch: all but seed, arm, round and learning rate, where the arm is plain."""
    arm = one.arm
    return _without_rate(one.setting), arm.trained, arm.dissected, arm.supermask, arm.logit, arm.share


@functools.cache
def _without_rate(setting: Setting) -> Setting:
    return replace(setting, config=replace(setting.config, learning_rate=0.0))


@functools.singledispatch
def key(one: Experiment, data: Dataset, precision: str) -> str:
    """Return the experiment's name in the store: a hash of everything its result depends on, but for device and torch's version."""
    arm, architecture = one.arm, network(one.setting.network)
    science = [initial_weights, stream]
    if arm.criterion is not None:
        science += [begin, rungs_of, carry, Architecture.kept, criteria.CRITERIA.find(arm.criterion)]
        science += [TREATMENTS.find(name) for name in sorted({arm.treatment, "rewind"})] + [PRUNED.find(arm.pruned)]
    if arm.supermask:
        science += [TopK if arm.supermask == "top-k" else Bernoulli, TREATMENTS.find(arm.treatment)]
    if arm.dissected:
        science += [dissect]
    request = {
        "engine": VERSION,
        "precision": precision,
        "network": [[layer.name, layer.shape, str(architecture.rate(layer))] for layer in architecture.layers],
        "data": [one.setting.dataset, data.fingerprint],
        "config": asdict(one.setting.config),
        "arm": [
            arm.schedule,
            arm.branch if arm.trunk == "rewinding" else arm.trunk,
            arm.trained,
            arm.reset,
            arm.draw,
            arm.dissected,
        ]
        if arm.criterion
        else [arm.supermask or "dense", arm.logit, arm.share],
        "rounds": one.round if arm.trained or arm.dissected else list(SUPERMASK_ROUNDS),
        "seed": one.seed,
        "science": source_digest(*science),
        "own": criteria.SOURCES.get(arm.criterion, ""),
    }
    return digest(canonical(request))


def initial(one: Experiment) -> Weights:
    """Return the weights that the replica was initialised with."""
    return initial_weights(network(one.setting.network), one.seed)


def treated(one: Experiment, round: int, masks: Masks, previous: Weights) -> Weights:
    """Return the start m * f(w_init) of a round: treated where kept, zero where pruned. `previous` is what the round before started from."""
    arm, layers = one.arm, network(one.setting.network).layers
    purpose = ("treatment", arm.treatment, round) + ((arm.draw,) if arm.draw else ())
    return [
        torch.where(
            mask,
            TREATMENTS.call(
                arm.treatment,
                w_init=w_init,
                w_start=w_start,
                mask=mask,
                generator=stream(one.seed, *purpose, layer.name),
            ),
            0.0,
        )
        for layer, w_init, w_start, mask in zip(layers, initial(one), previous, masks)
    ]


def begin(one: Experiment, source: Record | None) -> tuple[Masks | None, Tensor]:
    """Return the masks of a trained experiment, None for the dense network, and the parameters (P,) it starts from.

    `source` is its parent's record. Biases start at zero, but where a round goes on from trained parameters.
    """
    arm, w_init, layout = one.arm, initial(one), Layout(network(one.setting.network))
    if arm.criterion is None:
        return None, layout.join(treated(one, 0, no_masks(one), w_init))
    if source is None:
        masks, weights = _begin_before_training(one)
        return masks, layout.join(weights)
    masks = masks_of(one, source)
    if not arm.reset:
        return masks, torch.where(layout.trainable(masks).bool(), torch.from_numpy(source.arrays["final"]), 0.0)
    if arm.pruned != ZERO:
        return masks, layout.join(_frozen(one, masks, source))
    previous = spread(source.arrays["kept_start"], masks) if "kept_start" in source.arrays else w_init
    return masks, layout.join(treated(one, one.round, masks, previous))


def carry(one: Experiment, masks: Masks | None, start: Tensor, final: Tensor) -> dict[str, np.ndarray]:
    """Return what later experiments need of a trained one with these parameters (P,) before and after.

    A dense network's parameters; of a chain the next round's masks, and, as its arm demands, where that round starts at zero,
    the values that reshuffling permutes, or the parameters that training goes on from.
    """
    arm = one.arm
    if arm.supermask:
        return {}
    if arm.criterion is None:
        return {"final": final.numpy()}
    if arm.schedule != ITERATIVE or arm.branch or not rests_on_training(arm):
        return {}
    w_start, w_final = weights_of(one, start), weights_of(one, final)
    following = cut(one, ranks_after(one, one.round, masks, start, final), one.round + 1)
    kept = {"next_masks": pack(following)}
    if not arm.reset:
        kept["final"] = final.numpy()
    elif arm.pruned != ZERO:
        kept["next_zeros"] = pack(
            [weights == 0 for weights in zeroed(one, one.round, following, masks, w_start, w_final)]
        )
    elif TREATMENTS.asks(arm.treatment, "w_start"):
        kept["kept_start"] = np.concatenate([weights[mask].numpy() for weights, mask in zip(w_start, following)])
    return kept


def _frozen(one: Experiment, masks: Masks, source: Record) -> Weights:
    """Return the start of a round whose pruned weights are not all frozen at zero."""
    w_init = initial(one)
    if "next_zeros" in source.arrays:
        return [torch.where(zero, 0.0, w) for zero, w in zip(unpack(one, source.arrays["next_zeros"]), w_init)]
    return zeroed(one, 0, masks, no_masks(one), w_init, weights_of(one, torch.from_numpy(source.arrays["final"])))


def zeroed(one: Experiment, round: int, following: Masks, masks: Masks, start: Weights, final: Weights) -> Weights:
    """Return where the next round starts when its pruned weights are not all at zero: at zero where the arm's action says so, else at w_init.

    `following` are the next round's masks; `masks`, `start` and `final` are this round's masks and weights before and after training.
    """
    layers = network(one.setting.network).layers
    zeros = [
        PRUNED.call(
            one.arm.pruned,
            mask=mask,
            newly=before & ~mask,
            shrank=w_f.abs() < w_i.abs(),
            grew=w_f.abs() > w_i.abs(),
            was_zero=w_i == 0,
            generator=stream(one.seed, "pruned", one.arm.pruned, round, layer.name),
        )
        for layer, mask, before, w_i, w_f in zip(layers, following, masks, start, final)
    ]
    return [torch.where(zero, 0.0, w) for zero, w in zip(zeros, initial(one))]


def spread(kept: np.ndarray, masks: Masks) -> Weights:
    """Return weights with the values `kept` at the places that the masks keep, layer after layer, and zeros elsewhere."""
    parts, weights = torch.from_numpy(kept).split([int(mask.sum()) for mask in masks]), []
    for part, mask in zip(parts, masks):
        weights.append(torch.zeros(mask.shape))
        weights[-1][mask] = part
    return weights


def weights_of(one: Experiment, parameters: Tensor) -> Weights:
    """Return the weights, layer by layer, among parameters (P,)."""
    return [weights[0] for weights in Layout(network(one.setting.network)).weight_views(parameters.unsqueeze(0))]


def ranks_after(one: Experiment, round: int, masks: Masks, start: Tensor, final: Tensor) -> list[Tensor]:
    """Return every layer's ranks (weights,) by the arm's criterion at the end of a round, from the parameters (P,) before and after.

    Ties are drawn per seed, round and layer.
    """
    architecture = network(one.setting.network)
    layout, names = Layout(architecture), [layer.name for layer in architecture.layers]
    by_name = dict(zip(names, masks))

    def saliency(parameters: Parameters) -> Saliency:
        images, labels = scored_images(one, round)
        return Saliency(perceptron(architecture), parameters, by_name, images, labels, architecture.loss)

    found = scores(one.arm.criterion, one.seed, round, by_name, layout.parts(start), layout.parts(final), saliency)
    return [ranking(found[name], by_name[name], stream(one.seed, "ties", round, name)) for name in names]


def scored_images(one: Experiment, round: int) -> tuple[Tensor, Tensor]:
    """Return the training images, and their labels, that a round's saliencies are taken on: ten a class on average."""
    data = load(one.setting.dataset).train
    count = EACH_CLASS * network(one.setting.network).layers[-1].shape[1]
    chosen = torch.randperm(len(data.images), generator=stream(one.seed, "scored images", round))[:count]
    return data.images[chosen], data.labels[chosen]


def cut(one: Experiment, ranks: list[Tensor], round: int) -> Masks:
    """Return the masks that leave each layer what it keeps after `round` rounds."""
    architecture = network(one.setting.network)
    return [
        keep(rank, count, layer.shape)
        for rank, count, layer in zip(ranks, architecture.kept(round), architecture.layers)
    ]


def no_masks(one: Experiment) -> Masks:
    """Return masks that keep everything."""
    return [torch.ones(layer.shape, dtype=torch.bool) for layer in network(one.setting.network).layers]


def dense_ranks(one: Experiment, dense: Record | None) -> list[Tensor]:
    """Return the ranks by the trained dense network, whose record is `dense`, or by the initial weights if training does not matter."""
    start = Layout(network(one.setting.network)).join(initial(one))
    return ranks_after(
        one, 0, no_masks(one), start, start if dense is None else torch.from_numpy(dense.arrays["final"])
    )


def masks_of(one: Experiment, source: Record | None) -> Masks:
    """Return the masks of an experiment from its parent's record: those the chain left for it, or a cut of the dense network's ranks."""
    if source is not None and "next_masks" in source.arrays:
        return unpack(one, source.arrays["next_masks"])
    return cut(one, dense_ranks(one, source), one.round)


def rungs_of(one: Experiment, source: Record | None) -> list[tuple[Masks, Weights]]:
    """Return masks and starts of an untrained experiment at every rung: one ranking, cut ever shorter."""
    ranks = dense_ranks(one, source)
    rungs = [(round, cut(one, ranks, round)) for round in SUPERMASK_ROUNDS]
    return [(masks, treated(one, round, masks, initial(one))) for round, masks in rungs]


def dissect(one: Experiment, source: Record, dense: Record) -> dict[str, object]:
    """Return the anatomy of a dissected experiment's mask, by layer, from the records of its parent and of the dense network."""
    w_final = weights_of(one, torch.from_numpy(dense.arrays["final"]))
    layers = zip(network(one.setting.network).layers, masks_of(one, source), initial(one), w_final)
    return {"anatomy": {layer.name: anatomy(mask, w_i, w_f) for layer, mask, w_i, w_f in layers}}


def _begin_before_training(one: Experiment) -> tuple[Masks, Weights]:
    """Return masks and start where the criterion looks at initial weights alone: at once, or round by round without training in between."""
    if one.arm.schedule != ITERATIVE:
        masks = masks_of(one, None)
        return masks, treated(one, one.round, masks, initial(one))
    source = replace(one, arm=chain(one.arm.criterion)) if one.arm.branch else one
    masks, weights, layout = no_masks(one), initial(one), Layout(network(one.setting.network))
    for round in range(one.round):
        start = layout.join(weights)
        masks = cut(one, ranks_after(source, round, masks, start, start), round + 1)
        weights = treated(source, round + 1, masks, weights)
    return masks, treated(one, one.round, masks, initial(one)) if one.arm.branch else weights


def pack(masks: Masks) -> np.ndarray:
    """Return masks as one array of bits, layer after layer."""
    return np.packbits(torch.cat([mask.flatten() for mask in masks]).numpy())


def unpack(one: Experiment, bits: np.ndarray) -> Masks:
    """Return the masks that `pack` packed."""
    layers = network(one.setting.network).layers
    flat = torch.from_numpy(np.unpackbits(bits, count=sum(layer.weights for layer in layers)).astype(bool))
    return [part.view(layer.shape) for part, layer in zip(flat.split([layer.weights for layer in layers]), layers)]
