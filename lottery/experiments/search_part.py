"""Searching for planted tickets: fit, score, prune, down to a share of all parameters (Fischer & Burkholz 2021, B.1).

What a search finds does not depend on the others of its population. Every seed has a host, a planting and data of its
own: 10,000 samples, 1,000 of them for testing, and 40 more that scores are taken on. Where the authors' released code
does otherwise than one would from the paper, this does what is sound, and `released` does what the code does:

                       here                                released
  as many as planted   the ticket's weights and biases     its share of weights, times weights and biases
  number kept          the share, rounded to a number      all but the share that goes, rounded down: one more at most
                                                           shares; and all that tie with the last of these go, too
  ties                 drawn                               pruned
  pruned parameters    stay pruned in later rounds         may come back
  edge-popup           linear outputs; biases have         a softmax on every task; scores of biases stay at zero,
                       scores like weights                 and torch's top-k chooses among them

Two differences no search switches, both are measured: strong tickets are read as they are, divided by the planting's
scale, and on regressions fitted; released, Circle's are read as they are (`strong_raw`), and regressions, trained ones
as well, are fitted by a factor of any sign (`strong_any_sign`, `weak_any_sign`), where here trained ones are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.data.made_tasks import Sample, draw
from lottery.experiments.arms import ToShare
from lottery.experiments.experiment import Experiment
from lottery.experiments.mask_parts import criterion_science
from lottery.experiments.parts import NONE, Cut, MaskPart, Snapshots, Sources, implements
from lottery.experiments.population import Population
from lottery.masks.criteria import needs_training
from lottery.masks.ranking import keep, ranking, ties_of
from lottery.masks.saliency import EACH_CLASS, Parameters, Saliency, forward_of
from lottery.masks.scores import scores
from lottery.models.architectures import Architecture
from lottery.planting.planted_networks import target_of, task_of
from lottery.planting.readings import RATES, overlap
from lottery.store.fingerprints import listed
from lottery.store.store import Record
from lottery.training.fit import fit
from lottery.training.observers import Progress
from lottery.training.parametrisation import Identity

CLASSES = 4  # of the samples that scores are taken on: 40 for every task, as released
SCOPES = ("global", "layer")


def count(architecture: Architecture, share: float | None, released: bool) -> int:
    """Return how many parameters a search keeps; raise where they cannot make a path through all layers."""
    target, parameters = target_of(architecture.name), architecture.layout.count
    if share is not None:
        kept = round(share * parameters)
    elif released:
        kept = parameters - int((1 - target.size / architecture.weights) * parameters)
    else:
        kept = target.size + sum(int((bias != 0).sum()) for bias in target.biases)
    layers = len(architecture.layers)
    if not layers <= kept <= parameters:
        what = "what is planted" if share is None else f"a share of {share:g}"
        raise LotteryError(
            f"a search in {architecture.name}: {what} is {kept} of {parameters} parameters; a search keeps at least "
            f"one for each of the {layers} layers, and at most all"
        )
    return kept


def asked(architecture: Architecture, share: float | None, released: bool) -> float:
    """Return which share of all parameters the last round of a search is to keep."""
    if released:
        return target_of(architecture.name).size / architecture.weights if share is None else share
    return count(architecture, share, released) / architecture.layout.count


def stays(share: float, parameters: int, released: bool) -> int:
    """Return how many of so many parameters stay at a share, where none tie; as released, all but what goes."""
    return parameters - int((1 - share) * parameters) if released else round(share * parameters)


def above_threshold(scores: Tensor, stay: int) -> Tensor:
    """Return where scores exceed the largest of those that go if so many are to stay: fewer do where some tie."""
    gone = scores.numel() - stay
    return scores > scores.sort().values[gone - 1] if gone else torch.ones_like(scores, dtype=torch.bool)


@listed
def scored_samples(experiment: Experiment) -> Sample:
    """Return the samples that a search's saliencies are taken on, in all rounds the same."""
    task = task_of(experiment.setting.network)[0]
    return draw(task, EACH_CLASS * CLASSES, experiment.seed, "prune", experiment.arm.noise)


@implements(ToShare)
class SearchMask(MaskPart):
    """Rounds of training from the masked start, scoring, and cutting; then the network is reset."""

    to: ToShare

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.to = experiment.arm.mask  # type: ignore[assignment]
        self.architecture = experiment.setting.architecture

    def check(self) -> None:
        to, name = self.to, self.architecture.name
        task_of(name)
        share = to.share is None or (isinstance(to.share, (int, float)) and 0 < to.share <= 1)
        wrong = {
            f"scope {to.scope!r} is not one of {', '.join(SCOPES)}": to.scope not in SCOPES,
            f"{to.rounds} rounds; there must be one at least": not isinstance(to.rounds, int) or to.rounds < 1,
            f"{to.epochs} epochs before a round": not isinstance(to.epochs, int) or to.epochs < 0,
            f"a share of {to.share!r}; write a number up to 1, or None for as many as planted": not share,
            f"{to.criterion} scores what training has changed; train before the rounds, as multishot does": (
                not to.epochs and needs_training(to.criterion)
            ),
        }
        for what in (what for what, is_wrong in wrong.items() if is_wrong):
            raise LotteryError(f"a search in {name}: {what}")
        count(self.architecture, to.share, to.released)
        share_kept = asked(self.architecture, to.share, to.released)
        for layer in self.architecture.layers if to.scope == "layer" else ():
            if stays(share_kept, layer.weights, to.released) == 0:
                raise LotteryError(
                    f"a search in {name}: a share of {share_kept:.2g} leaves none of the {layer.weights} weights of "
                    f"{layer.name}; keep more, or rank all layers together"
                )

    def science(self) -> list[Callable]:
        return criterion_science(self.to.criterion, scored_samples)

    @staticmethod
    def batch_key(mask: ToShare) -> tuple:  # type: ignore[override]
        return (mask.rounds, mask.epochs) if mask.epochs else ()

    @classmethod
    def cut_all(cls, population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Cut]:
        start, places = population.planted_block(), population.planted_places()
        masks = torch.zeros_like(start, dtype=torch.bool)
        masks[:, : population.layout.count] = True
        searches = [cls(experiment) for experiment in population.experiments]
        history: list[list[dict[str, float]]] = []
        # searches of different lengths share a population only where nothing is trained between their rounds
        for round in range(1, max(search.to.rounds for search in searches) + 1):
            final = train(population, start, masks, f"round {round}", searches[0].to.epochs)
            final = torch.where(masks, final, start).cpu()  # what is pruned has not moved
            before = masks.cpu()
            for row, search in enumerate(searches):
                if search.experiment not in population.failed and round <= search.to.rounds:
                    try:
                        masks[row] = search.cut_once(round, before[row], start[row].cpu(), final[row])
                    except LotteryError as error:
                        population.failed[search.experiment] = str(error)
            history.append(overlap(population.layout, masks.cpu(), places))
        return {
            search.experiment: Cut(
                masks[row].to(start), measured=_columns([of[row] for of in history[: search.to.rounds]])
            )
            for row, search in enumerate(searches)
            if search.experiment not in population.failed
        }

    def cut_once(self, round: int, mask: Tensor, start: Tensor, final: Tensor) -> Tensor:
        """Return the mask (P,) after a round, from the parameters (P,) before and after its training."""
        to, seed, layout = self.to, self.experiment.seed, self.architecture.layout
        masks = layout.parts(mask)

        def saliency(parameters: Parameters) -> Saliency:
            forward, sample = forward_of(self.architecture), scored_samples(self.experiment)
            return Saliency(forward, parameters, masks, sample.inputs, sample.observed, self.architecture.loss)

        found = scores(to.criterion, seed, round, masks, layout.parts(start), layout.parts(final), saliency)
        flat = torch.cat([values.flatten() for values in found.values()])
        share = asked(self.architecture, to.share, to.released) ** (round / to.rounds)
        cut = torch.zeros_like(mask)
        by_layer = list(zip(found, [*layout.weights, *layout.biases]))
        for name, part in [("all", slice(0, layout.count))] if to.scope == "global" else by_layer:
            stay = stays(share, part.stop - part.start, to.released)
            if to.released:
                cut[part] = above_threshold(flat[part], stay)
            else:
                ranks = ranking(flat[part], mask[part], ties_of(seed, to.criterion, round, name))
                cut[part] = keep(ranks, stay, flat[part].shape)
        return cut

    def carry(self, cut: Cut, start: Tensor, final: Tensor, snapshots: Snapshots = NONE) -> Record:
        return Record({}, {"mask": np.packbits(cut.trainable.bool().numpy())})


def train(population: Population, start: Tensor, masks: Tensor, moment: str, epochs: int) -> Tensor:
    """Return the parameters (R, P) after so many epochs from the masked start, in which pruned ones stay at zero."""
    if not epochs:
        return start
    config = replace(population.config, iterations=epochs * population.config.interval)
    replicas = [
        population.replica(experiment, begin, mask, _in_order(experiment, moment))
        for experiment, begin, mask in zip(population.experiments, start * masks, masks.to(start))
    ]
    outcomes = fit(population.model, Identity, population.data, config, replicas, [Progress(population.told())])
    population.done += config.iterations
    return torch.stack([outcome.final for outcome in outcomes]).to(start)


def _in_order(experiment: Experiment, moment: str) -> str:
    """Return what names the data order of a training between rounds: the moment, and which order if not the first."""
    order = getattr(experiment.arm.mask, "search_order", 0)
    return f"{moment} of order {order}" if order else moment


def _columns(rows: list[dict[str, float]]) -> dict[str, object]:
    return {name: [row[name] for row in rows] for name in (*RATES, "kept")}
