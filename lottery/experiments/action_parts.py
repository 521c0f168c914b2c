"""What is done with masked networks: they are trained, evaluated, inspected, or frozen under a mask that is learned."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data.datasets import Dataset
from lottery.experiments import chain_masks as chains
from lottery.experiments.arms import TOP, Count, Evaluate, Inspect, LearnMask, OneShot, Train
from lottery.experiments.computing import prepared_of
from lottery.experiments.experiment import Experiment
from lottery.experiments.parts import ActionPart, Prepared, Sources, implements, part_of
from lottery.experiments.planted_reading import PlantedReading, read_untrained
from lottery.experiments.population import Population
from lottery.experiments.scales import SUPERMASK_ROUNDS
from lottery.experiments.search_part import count
from lottery.masks.connections import connections
from lottery.masks.mask_statistics import anatomy
from lottery.models.architectures import is_planted
from lottery.models.evaluation import untrained_scores
from lottery.models.losses import OF_SOFTMAX
from lottery.store.store import Record
from lottery.training.config import Config
from lottery.training.fit import Outcome, fit, observers_for
from lottery.training.learned_masks import Bernoulli, TopK
from lottery.training.observers import Observer, Predictions, Progress, Snapshots
from lottery.training.parametrisation import Identity, Parametrisation

PREDICTIONS = "predictions"  # for the test data, (N,) uint8, in the record of a training that keeps them


def moment_of(experiment: Experiment) -> object:
    """Return what names a round's data order beside its seed: the round, unless all rounds see the same.

    An arm that asks for another order than the first has it in all of its rounds.
    """
    round = experiment.round if experiment.setting.config.data_order == "fresh" else 0
    order = getattr(experiment.arm.action, "order", 0)
    return f"{round} of order {order}" if order else round


def _training(experiment: Experiment) -> Train:
    action = experiment.arm.action
    assert isinstance(action, Train)
    return action


def _learning(experiment: Experiment) -> LearnMask:
    action = experiment.arm.action
    assert isinstance(action, LearnMask)
    return action


@implements(Train)
class TrainAction(ActionPart):
    """The kept weights are trained, and what later rounds need is kept."""

    @staticmethod
    def images(config: Config, sizes: Sequence[int]) -> int:
        train, validation, test = sizes
        return config.iterations // config.interval * validation + 3 * test + 2 * train if validation else 0

    @classmethod
    def run(cls, population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Record]:
        prepared = prepared_of(population, sources)
        if not prepared:
            return {}
        ready = population.only(sorted(prepared, key=lambda one: one.setting.config.learning_rate))
        planted = ready.planted
        replicas = [
            ready.replica(one, made.start, made.cut.trainable, "last" if planted else moment_of(one))
            for one, made in ((one, prepared[one]) for one in ready.experiments)
        ]
        tell = ready.told()
        snapshots, predictions = Snapshots(), Predictions()
        observers: list[Observer] = [*observers_for(Identity, tell), snapshots]
        asked = [one for one in ready.experiments if _training(one).predictions]
        observers += [predictions] * bool(asked)
        if planted:
            observers = [PlantedReading(ready, [prepared[one] for one in ready.experiments]), Progress(tell), snapshots]
        outcomes = fit(ready.model, Identity, ready.data, ready.config, replicas, observers)
        by_experiment = dict(zip(ready.experiments, outcomes))
        taken = {
            one: {iteration: parameters[row] for iteration, parameters in snapshots.taken.items()}
            for row, one in enumerate(ready.experiments)
        }
        answers = {one: predictions.found[ready.experiments.index(one)].numpy() for one in asked}

        def record(one: Experiment) -> Record:
            made = cls._record(one, prepared[one], by_experiment[one], taken[one])
            return Record(made.measurements, made.arrays | ({PREDICTIONS: answers[one]} if one in answers else {}))

        return ready.each(record)

    @staticmethod
    def _record(experiment: Experiment, made: Prepared, outcome: Outcome, taken: Mapping[int, Tensor]) -> Record:
        mask = part_of(experiment.arm.mask)(experiment)
        left = mask.carry(made.cut, made.start, outcome.final, taken)
        return Record(outcome.measurements | left.measurements, left.arrays)


@implements(LearnMask)
class LearnMaskAction(ActionPart):
    """Nothing but a mask over the frozen start is trained."""

    images = TrainAction.images

    @staticmethod
    def batch_key(action: LearnMask) -> tuple:  # type: ignore[override]
        return action.method, action.rescaled, action.logit, action.biases, action.released

    def check(self) -> None:
        learn = _learning(self.experiment)
        if learn.biases or learn.share is None:
            count(self.experiment.setting.architecture, learn.share, learn.released)

    def science(self) -> list[Callable]:
        learn = _learning(self.experiment)
        return [TopK if learn.method == TOP else Bernoulli]

    @classmethod
    def run(cls, population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Record]:
        prepared = prepared_of(population, sources)
        if not prepared:
            return {}
        ready, made = population.only(list(prepared)), list(prepared.values())
        replicas = [ready.replica(one, of.start, of.cut.trainable, cls._moment(one)) for one, of in prepared.items()]
        softmax = _learning(ready.experiments[0]).released
        loss = ready.architecture.loss + OF_SOFTMAX * softmax
        parametrise, tell = cls.parametrisation(ready), ready.told()
        if not ready.planted:
            outcomes = fit(
                ready.model, parametrise, ready.data, ready.config, replicas, observers_for(parametrise, tell), loss
            )
            return {one: Record(outcome.measurements) for one, outcome in zip(ready.experiments, outcomes)}
        reading = PlantedReading(ready, made, learned=True, softmax=softmax)
        outcomes = fit(ready.model, parametrise, ready.data, ready.config, replicas, [reading, Progress(tell)], loss)
        return {
            one: Record(outcome.measurements, reading.arrays(row))
            for row, (one, outcome) in enumerate(zip(ready.experiments, outcomes))
        }

    @staticmethod
    def _moment(experiment: Experiment) -> object:
        return "scores" if _learning(experiment).biases else moment_of(experiment)

    @classmethod
    def parametrisation(cls, population: Population) -> Callable[[Tensor], Parametrisation]:
        """Return how the starts (R, P) become trained logits or scores."""
        actions = [_learning(experiment) for experiment in population.experiments]
        learn, layout, architecture = actions[0], population.layout, population.architecture
        if learn.method != TOP:
            streams = [stream(seed, "supermask") for seed in population.seeds]
            return functools.partial(
                Bernoulli, layout=layout, streams=streams, logit=learn.logit, rescaled=learn.rescaled
            )
        streams = [stream(seed, "scores" if learn.biases else "supermask") for seed in population.seeds]
        shares = [
            one.share
            if one.share is not None and not one.biases
            else count(architecture, one.share, one.released) / layout.count
            for one in actions
        ]
        annealed = [one.annealed for one in actions]

        def scored(start: Tensor) -> TopK:
            made = TopK(start, layout, streams, shares, biases=learn.biases, annealed=annealed)
            if learn.released:
                made.trained[:, layout.biases[0].start : layout.count] = 0
            return made

        return scored


@implements(Evaluate)
class EvaluateAction(ActionPart):
    """The start is evaluated as it is: on images at every rung, of a planted network once."""

    def check(self) -> None:
        network, mask = self.experiment.setting.network, self.experiment.arm.mask
        if not is_planted(network) and mask.kind != OneShot.kind:
            raise LotteryError(f"{self.experiment.arm.name}: on images only one-shot masks are evaluated untrained")

    @staticmethod
    def images(config: Config, sizes: Sequence[int]) -> int:
        return len(SUPERMASK_ROUNDS) * sizes[2]

    @classmethod
    def run(cls, population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Record]:
        if not population.planted:
            return population.each(lambda one: cls._at_rungs(population, one, sources[one]))
        prepared = prepared_of(population, sources)
        ready = population.only(list(prepared))
        measured = read_untrained(ready, list(prepared.values()))
        masks = [np.packbits(made.cut.trainable.bool().numpy()) for made in prepared.values()]
        return {one: Record(of, {"mask": mask}) for one, of, mask in zip(prepared, measured, masks)}

    @staticmethod
    def _at_rungs(population: Population, experiment: Experiment, sources: Sources) -> Record:
        mask, start = (part_of(of)(experiment) for of in (experiment.arm.mask, experiment.arm.start))
        starts = [
            chains.joined(experiment, start.treated(round, masks, None))
            for round, masks in zip(SUPERMASK_ROUNDS, mask.rungs(sources, SUPERMASK_ROUNDS))
        ]
        data: Dataset = population.data  # type: ignore[assignment]
        accuracies = [untrained_scores(population.architecture.name, data, [block])[0] for block in starts]
        return Record({"test_accuracy_start": accuracies, "accuracy_step": 100 / len(data.test.images)})


@implements(Inspect)
class InspectAction(ActionPart):
    """The mask is looked at, beside what became of the weights in the dense network."""

    def parents(self) -> tuple[Experiment, ...]:
        return (self.experiment.dense,)

    @classmethod
    def run(cls, population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Record]:
        return population.each(lambda one: cls._anatomy(one, sources[one]))

    @staticmethod
    def _anatomy(experiment: Experiment, sources: Sources) -> Record:
        final = torch.from_numpy(sources[experiment.dense].arrays["final"])
        masks = part_of(experiment.arm.mask)(experiment).cut(sources).masks
        w_init, w_final = chains.initial(experiment), chains.weights_of(experiment, final)
        pruned = chains.pruned_in(
            experiment, chains.no_masks(experiment), masks, chains.joined(experiment, w_init), final
        )
        layers = zip(pruned, masks, w_init, w_final)
        return Record({"anatomy": {name: anatomy(mask, w_i, w_f) | pruned[name] for name, mask, w_i, w_f in layers}})


@implements(Count)
class CountAction(ActionPart):
    """The mask's connections are counted, layer by layer."""

    @classmethod
    def run(cls, population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Record]:
        return population.each(lambda one: cls._counted(one, sources[one]))

    @staticmethod
    def _counted(experiment: Experiment, sources: Sources) -> Record:
        masks = part_of(experiment.arm.mask)(experiment).cut(sources).masks
        layers = zip(experiment.setting.architecture.layers, masks)
        return Record({"anatomy": {layer.name: connections(mask) for layer, mask in layers}})
