"""A population: the experiments that are computed together, with what they share and what each has of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.data.datasets import Dataset
from lottery.data.made_tasks import dataset
from lottery.experiments.experiment import Experiment
from lottery.experiments.network_data import data_of
from lottery.models.architectures import Architecture, is_planted
from lottery.models.layout import Layout
from lottery.models.model import Model, model_of
from lottery.planting.planted_networks import planted_masks, planted_parameters, planted_scales
from lottery.store.fingerprints import listed
from lottery.training.config import Config
from lottery.training.fit import Replica

Made = TypeVar("Made")


@listed
@dataclass
class Population:
    """R experiments of one batch key. `failed` says why one could not be computed; `watch` is told the steps done."""

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
        setting = self.experiments[0].setting
        if not self.planted:
            return data_of(setting, self.device)
        found = {one: dataset(setting.dataset, *one) for one in {(one.seed, one.arm.noise) for one in self.experiments}}
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

    def replica(self, experiment: Experiment, start: Tensor, trainable: Tensor, moment: object) -> Replica:
        """Return a network to train; `moment` names its data order."""
        order = (experiment.seed, "data order", moment)
        return Replica(start, trainable, order, experiment.setting.config.learning_rate)

    def told(self) -> Callable[[int], None]:
        """Return what is to be told a training's iterations: for `watch`, those of trainings before it are added."""
        before = self.done
        return lambda iteration: self.watch(before + iteration)
