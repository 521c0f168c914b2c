"""Calibration: what networks of a kind cost here, measured in about a second, before the first of them is computed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import torch
from torch import Tensor

from lottery.core.devices import wait
from lottery.data.datasets import Dataset, sizes
from lottery.experiments import chain_masks as chains
from lottery.experiments.experiment import Experiment
from lottery.experiments.parts import part_of
from lottery.experiments.population import Population
from lottery.experiments.search_part import SearchMask
from lottery.experiments.speeds import Speeds, family, scorings
from lottery.models.evaluation import evaluate
from lottery.planting.readings import overlap
from lottery.training.fit import Replica, fit

SHORTEST = 0.5  # seconds that a speed is measured for


@dataclass(frozen=True)
class Speed:
    """What a kind costs on this machine, in seconds a network: a step, a pass over one image, taking scores once."""

    step: float
    image: float
    scoring: float

    def seconds(self, one: Experiment, of_parts: Sequence[int]) -> float:
        """Return the seconds of one experiment: its steps, its scores, its looks at the validation loss, its measures.

        `of_parts` are the numbers of images for training, validation and testing.
        """
        images = part_of(one.arm.action).images(one.setting.config, of_parts)
        return one.steps * self.step + images * self.image + scorings(one) * self.scoring


class Calibration:
    """Measures kinds of experiments that were never computed here; what several have in common is measured once."""

    def __init__(self, speeds: Speeds, device: str):
        self._speeds, self._device = speeds, device
        self._found: dict[tuple, Speed] = {}

    def take(self, batch: Sequence[Experiment], data: Dataset) -> None:
        """Measure what a batch costs, all of one kind, unless that is known."""
        first = batch[0]
        if self._speeds.knows(first):
            return
        config = replace(first.setting.config, iterations=1, interval=1, snapshots=(), learning_rate=0.0)
        like = family(first), repr(replace(first.setting, config=config)), bool(first.steps)
        if like not in self._found:
            self._found[like] = calibrate(batch, data, self._device)
        if seconds := self._found[like].seconds(first, sizes(data)):  # else it looks at others' masks: a guess will do
            self._speeds.measured(first, seconds)


def calibrate(experiments: Sequence[Experiment], data: Dataset, device: str) -> Speed:
    """Return the speed of a batch of experiments of one kind, measured in about a second on this device."""
    population = Population(experiments, device)
    first = experiments[0]
    images = part_of(first.arm.action).images(first.setting.config, [1, 1, 1])
    scoring = _scoring(population) if scorings(first) else 0.0
    if not first.steps and not images:
        return Speed(0.0, 0.0, scoring)
    block = start_block(population)
    step = _step(population, block) if first.steps else 0.0
    return Speed(step, _image(population, block, data) if images else 0.0, scoring)


def _took(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - started


def _step(population: Population, block: Tensor) -> float:
    """Return the seconds of a step of one network."""
    trainable = population.layout.trainable(None)
    replicas = [Replica(start, trainable, (seed, "calibration")) for seed, start in enumerate(block)]
    action = part_of(population.experiments[0].arm.action)

    def took(iterations: int) -> float:
        config = replace(population.config, iterations=iterations, interval=iterations, snapshots=())
        parametrise = action.parametrisation(population)
        return _took(lambda: fit(population.model, parametrise, population.data, config, replicas, []))

    took(1)
    short, steps = took(1), 16
    while (passed := max(took(1 + steps) - short, 0.0)) < SHORTEST and steps < 4_096:
        steps *= min(16, max(2, ceil(SHORTEST / passed))) if passed else 2
    return passed / steps / len(replicas)


def _image(population: Population, block: Tensor, data: Dataset) -> float:
    """Return the seconds of a pass of one network over an image of the validation data."""
    seen = data.validation
    if not len(seen.images):
        return 0.0
    buffers = population.layout.initial_buffers().to(block).repeat(len(block), 1)
    took = _took(lambda: evaluate(population.model, block, buffers, seen.images, seen.labels)[0].sum().item())
    return took / len(seen.images) / len(block)


def _scoring(population: Population) -> float:
    """Return the seconds in which a search takes the scores of one network and cuts it, once."""
    one = population.experiments[0]
    start, places = (block[:1].cpu() for block in (population.planted_block(), population.planted_places()))
    mask = torch.zeros_like(start, dtype=torch.bool)
    mask[:, : population.layout.count] = True

    def cut() -> None:
        kept = SearchMask(one).cut_once(1, mask[0], start[0], start[0])
        overlap(population.layout, kept[None], places)

    cut()
    return _took(cut)


def start_block(population: Population) -> Tensor:
    """Return what a population's networks are initialised with, (R, P)."""
    if population.planted:
        return population.planted_block()
    blocks = [chains.joined(one, chains.initial(one)) for one in population.experiments]
    return torch.stack(blocks).to(population.device)
