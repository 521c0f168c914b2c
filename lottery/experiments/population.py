"""A population: the experiments that are computed together, with what they share and what each has of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.data.catalogue import load
from lottery.data.datasets import Dataset
from lottery.data.made_tasks import dataset
from lottery.experiments.experiment import Experiment
from lottery.experiments.parts import ActionPart, Cut, MaskPart, Prepared, Sources, part_of
from lottery.models.architectures import Architecture, is_planted
from lottery.models.layout import Layout
from lottery.models.model import Model, model_of
from lottery.planting.planted_networks import planted_masks, planted_parameters, planted_scales
from lottery.store.fingerprints import listed
from lottery.store.store import Record
from lottery.training.config import Config
from lottery.training.fit import Replica
from lottery.training.observers import Progress

Made = TypeVar("Made")


@listed
@dataclass
class Population:
    """R experiments of one batch key. `failed` says why an experiment could not be computed; `watch` is told the steps done of each."""

    experiments: Sequence[Experiment]
    device: str = "cpu"
    watch: Callable[[int], None] = lambda steps: None
    failed: dict[Experiment, str] = field(default_factory=dict)
    done: int = 0  # steps of trainings before the present one

    @property
    def architecture(self) -> Architecture:
        """The network that all of them train."""
        return self.experiments[0].setting.architecture

    @property
    def layout(self) -> Layout:
        """Where its parameters lie."""
        return self.architecture.layout

    @property
    def config(self) -> Config:
        """How all of them train; rates are a replica's own."""
        return self.experiments[0].setting.config

    @cached_property
    def model(self) -> Model:
        """R networks as one."""
        return model_of(self.architecture)

    @property
    def planted(self) -> bool:
        """Whether a ticket is planted in the networks."""
        return is_planted(self.architecture.name)

    @cached_property
    def data(self) -> Dataset | list[Dataset]:
        """What they train on: one data set for all, or, of a made task, one for each."""
        name = self.experiments[0].setting.dataset
        if not self.planted:
            return load(name, self.device)
        found = {one: dataset(name, *one) for one in {(one.seed, one.arm.noise) for one in self.experiments}}
        there = {one: data.to(self.device) for one, data in found.items()}  # those of a seed share one
        return [there[one.seed, one.arm.noise] for one in self.experiments]

    @property
    def seeds(self) -> list[int]:
        """Every experiment's seed."""
        return [experiment.seed for experiment in self.experiments]

    def planted_block(self) -> Tensor:
        """Return the parameters (R, P) of networks with a ticket in them, on the device."""
        return self._by_seed(planted_parameters)

    def planted_places(self) -> Tensor:
        """Return where the tickets lie, (R, P) bool."""
        return self._by_seed(planted_masks).cpu()

    def planted_scale(self) -> Tensor:
        """Return what the tickets' outputs are multiples of the target's by, (R, 1, outputs)."""
        return self._by_seed(planted_scales)

    def _by_seed(self, make: Callable[[str, list[int]], Tensor]) -> Tensor:
        distinct = sorted(set(self.seeds))
        rows = [distinct.index(seed) for seed in self.seeds]
        return make(self.architecture.name, distinct)[rows].to(self.device)

    def each(self, make: Callable[[Experiment], Made]) -> dict[Experiment, Made]:
        """Return what `make` makes of every experiment; one for which it raises fails alone."""
        made = {}
        for experiment in self.experiments:
            if experiment in self.failed:
                continue
            try:
                made[experiment] = make(experiment)
            except LotteryError as error:
                self.failed[experiment] = str(error)
        return made

    def only(self, experiments: Sequence[Experiment]) -> Population:
        """Return the population of some of the experiments; what fails in it fails in this one."""
        return Population(experiments, self.device, self.watch, self.failed, self.done)

    def prepared(self, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Prepared]:
        """Return every experiment with its mask and its start, from the records of its parents."""
        by_part: dict[type[MaskPart], list[Experiment]] = {}
        for experiment in self.experiments:
            by_part.setdefault(part_of(experiment.arm.mask), []).append(experiment)
        cuts: dict[Experiment, Cut] = {}
        for part, experiments in by_part.items():
            group = self.only(experiments)
            cuts |= part.cut_all(group, sources)
            self.done = max(self.done, group.done)

        def begin(experiment: Experiment) -> Prepared:
            cut = cuts[experiment]
            return Prepared(cut, part_of(experiment.arm.start)(experiment).begin(cut, sources[experiment]))

        return self.each(begin)

    def replica(self, experiment: Experiment, start: Tensor, trainable: Tensor, moment: object) -> Replica:
        """Return a network to train; `moment` names its data order."""
        order = (experiment.seed, "data order", moment)
        return Replica(start, trainable, order, experiment.setting.config.learning_rate)

    def progress(self) -> Progress:
        """Return the observer that tells `watch` how far a training is, those before it counted."""
        return Progress(lambda iteration: self.watch(self.done + iteration))


@torch.no_grad()
def compute(population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Record]:
    """Return the records of a population's experiments; those in `population.failed` have none.

    Where a GPU's memory does not hold them all, they are computed in halves: others may use that GPU, too.
    """
    action: type[ActionPart] = part_of(population.experiments[0].arm.action)
    try:
        return action.run(population, sources)
    except torch.cuda.OutOfMemoryError:
        if len(population.experiments) == 1:
            name = population.architecture.name
            raise LotteryError(
                f"the memory of {population.device} does not hold a single {name}; free some, or use --device cpu"
            ) from None
    torch.cuda.empty_cache()
    middle = len(population.experiments) // 2
    halves = population.experiments[:middle], population.experiments[middle:]
    return {key: record for half in halves for key, record in compute(population.only(half), sources).items()}
