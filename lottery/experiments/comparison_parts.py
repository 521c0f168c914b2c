"""What is done with masks and predictions of several arms: they are surveyed, compared, aligned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.experiments import chain_masks as chains
from lottery.experiments.action_parts import PREDICTIONS
from lottery.experiments.arms import Agree, Align, Compare, Recover, Survey
from lottery.experiments.experiment import Experiment
from lottery.experiments.mask_parts import OtherMask
from lottery.experiments.network_data import data_of
from lottery.experiments.parts import ActionPart, Masks, Sources, Weights, implements, part_of
from lottery.experiments.population import Population
from lottery.masks.alignment import align, permuted
from lottery.masks.consensus import votes
from lottery.masks.effective import effective
from lottery.masks.nulls import initial_magnitude
from lottery.masks.surveys import survey
from lottery.models.layers import Layer
from lottery.planting.planted_networks import planted_masks
from lottery.planting.readings import RATES, overlap
from lottery.store.store import Record

TOTAL = "total"
Counts = dict[str, list[int]]  # by layer, and in total


class Looking(ActionPart):
    """Something is measured of every experiment by itself; nothing is trained."""

    @classmethod
    def run(cls, population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Record]:
        return population.each(lambda one: Record(cls(one).measured(sources[one])))

    def measured(self, sources: Sources) -> dict[str, object]:
        """Return the measurements, from the records of the parents."""
        raise NotImplementedError


@implements(Survey)
class SurveyAction(Looking):
    """The arm's mask is surveyed, layer by layer."""

    def science(self) -> list[Callable]:
        return [survey, effective]

    def measured(self, sources: Sources) -> dict[str, object]:
        architecture = self.experiment.setting.architecture
        cut = part_of(self.experiment.arm.mask)(self.experiment).cut(sources)
        masks = cut.masks or chains.no_masks(self.experiment)
        layers = architecture.layers
        whole = {f"{layer.path}.weight": as_in_module(layer, mask) for layer, mask in zip(layers, masks)}
        reaching = effective(architecture.module, whole, architecture.input_shape)
        found = {
            layer.name: survey(layer, mask, weights) | {"effective": int(reaching[f"{layer.path}.weight"].sum())}
            for layer, mask, weights in zip(layers, masks, chains.initial(self.experiment))
        }
        return {"survey": found, "fixed": architecture.layout.count - architecture.weights}


@implements(Compare)
class CompareAction(Looking):
    """Masks of several arms in the same round, each pair of them, and how many of them keep a weight.

    pairs   by "i, j" and layer: the weights that both keep, that i keeps, that j keeps, and that there are
    common  by layer: how many weights none of them keeps, one, two, ... all
    """

    def _masks(self) -> list[OtherMask]:
        by: Compare = self.experiment.arm.action  # type: ignore[assignment]
        return [OtherMask(self.experiment, arm, self.experiment.round) for arm in by.arms]

    def parents(self) -> tuple[Experiment, ...]:
        return tuple(dict.fromkeys(parent for mask in self._masks() for parent in mask.parents))

    def science(self) -> list[Callable]:
        return [function for mask in self._masks() for function in mask.science]

    def measured(self, sources: Sources) -> dict[str, object]:
        networks, layers = [mask.masks(sources) for mask in self._masks()], self.experiment.setting.architecture.layers
        pairs = {
            f"{i}, {j}": shared(layers, networks[i], networks[j]) for i, j in combinations(range(len(networks)), 2)
        }
        by_layer = {
            layer.name: votes(of_layer).flatten().bincount(minlength=len(networks) + 1).tolist()
            for layer, of_layer in zip(layers, zip(*networks))
            if len({mask.shape for mask in of_layer}) == 1
        }
        return {"pairs": pairs, "common": with_total(by_layer)}


@implements(Agree)
class AgreeAction(Looking):
    """Predictions for the test data of several arms' trained networks.

    pairs     by "i, j": the share of predictions that are the same, the accuracies of i and of j, as shares
    vote      the accuracy, as a share, of what most of them predict, the least class of equals
    accuracies  of each
    """

    def check(self) -> None:
        by: Agree = self.experiment.arm.action  # type: ignore[assignment]
        for arm in by.arms:
            if not getattr(arm.action, "predictions", False) or arm.dataset:
                kept = "arms that keep them, by Train(predictions=True), on one task"
                raise LotteryError(f"{arm.name}: predictions are compared of {kept}")

    def parents(self) -> tuple[Experiment, ...]:
        by: Agree = self.experiment.arm.action  # type: ignore[assignment]
        return tuple(self.experiment.of(arm, self.experiment.round) for arm in by.arms)

    def measured(self, sources: Sources) -> dict[str, object]:
        truth = data_of(self.experiment.setting).test.labels
        answers = [torch.from_numpy(sources[parent].arrays[PREDICTIONS]).long() for parent in self.parents()]
        right = [share(answer == truth) for answer in answers]
        pairs = {
            f"{i}, {j}": [share(answers[i] == answers[j]), right[i], right[j]]
            for i, j in combinations(range(len(answers)), 2)
        }
        voted = torch.nn.functional.one_hot(torch.stack(answers)).sum(0).argmax(1)
        return {"agreement": pairs, "vote": share(voted == truth), "accuracies": right, "images": len(truth)}


@implements(Recover)
class RecoverAction(ActionPart):
    """What several searches of one planted network keep, by each and by all of them, held against the planted ticket.

    recall, precision, chance, kept  of what 1, 2, ... all of the searches keep at least, the union first
    """

    def parents(self) -> tuple[Experiment, ...]:
        by: Recover = self.experiment.arm.action  # type: ignore[assignment]
        return tuple(self.experiment.of(arm, 0) for arm in by.arms)

    def science(self) -> list[Callable]:
        return [overlap, planted_masks]

    @classmethod
    def run(cls, population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Record]:
        places = dict(zip(population.experiments, population.planted_places()))

        def recovered(one: Experiment) -> Record:
            layout = population.layout
            bits = [sources[one][parent].arrays["mask"] for parent in cls(one).parents()]
            masks = [torch.from_numpy(np.unpackbits(of, count=layout.size).astype(bool)) for of in bits]
            kept = torch.stack([votes(masks) >= least for least in range(1, len(masks) + 1)])
            found = overlap(layout, kept, places[one].expand(len(kept), -1))
            return Record({rate: [of[rate] for of in found] for rate in (*RATES, "kept")})

        return population.each(recovered)


@implements(Align)
class AlignAction(Looking):
    """An arm's masks under two initialisations, as they are and with the second's units matched to the first's.

    Units are matched by the trained weights of the dense networks. These are not independent of the masks: matching
    pairs large weights with large ones, and masks keep large ones. A control measures how much of the gain this
    explains: masks of the largest initial weights, as many in each layer, with units matched by initial weights.

    pairs   "as they are", "aligned", and the control's "initial as they are", "initial aligned"; see CompareAction
    """

    def _of(self, place: int) -> tuple[OtherMask, Experiment]:
        by: Align = self.experiment.arm.action  # type: ignore[assignment]
        assert by.arm is not None
        one = self.experiment.with_seed(2 * self.experiment.seed + place)
        return OtherMask(one, by.arm, one.round), one.of(by.arm, 0)

    def parents(self) -> tuple[Experiment, ...]:
        found = [self._of(place) for place in (0, 1)]
        return tuple(dict.fromkeys(one for mask, dense in found for one in (*mask.parents, dense)))

    def science(self) -> list[Callable]:
        return [align, permuted, initial_magnitude, *self._of(0)[0].science]

    def measured(self, sources: Sources) -> dict[str, object]:
        masks, trained, largest, initial = [], [], [], []
        for mask, dense in map(self._of, (0, 1)):
            found, start = mask.masks(sources), chains.initial(dense)
            draws = stream(dense.seed, "initial control", self.experiment.round)
            masks.append(found)
            trained.append(chains.weights_of(dense, torch.from_numpy(sources[dense].arrays["final"])))
            largest.append(initial_magnitude(found, start, by_layer=True, generator=draws))
            initial.append(start)
        by_training = self._matched(masks, trained)
        return {"pairs": by_training | {f"initial {how}": of for how, of in self._matched(largest, initial).items()}}

    def _matched(self, masks: list[Masks], weights: list[Weights]) -> dict[str, Counts]:
        """Return how two networks' masks agree as they are, and once units are matched by these weights."""
        layers = self.experiment.setting.architecture.layers
        first, second = ([as_in_module(*of) for of in zip(layers, mask)] for mask in masks)
        ours, theirs = ([as_in_module(*of) for of in zip(layers, of_one)] for of_one in weights)
        return {
            "as they are": shared(layers, first, second),
            "aligned": shared(layers, first, permuted(second, align(ours, theirs))),
        }


def as_in_module(layer: Layer, values: Tensor) -> Tensor:
    """Return a layer's weights or mask in torch's shape."""
    return values.t() if len(layer.shape) == 2 else values


def shared(layers: Sequence[Layer], first: Masks, second: Masks) -> Counts:
    """Return how many weights both masks keep, the first, the second, and how many there are: by layer, and in total.

    Layers of different shapes, heads for other classes, have nothing in common to count.
    """
    return with_total(
        {
            layer.name: [int((a & b).sum()), int(a.sum()), int(b.sum()), a.numel()]
            for layer, a, b in zip(layers, first, second)
            if a.shape == b.shape
        }
    )


def with_total(by_layer: Counts) -> Counts:
    """Return counts by layer with their sums."""
    return by_layer | {TOTAL: [sum(column) for column in zip(*by_layer.values())]}


def share(of: Tensor) -> float:
    """Return the share of what is True."""
    return of.double().mean().item()
