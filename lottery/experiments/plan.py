"""Planning: what a set of claims still needs, what that costs, and which to decide first if time is short."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import torch
from torch import Tensor

from lottery.core.devices import wait
from lottery.data.datasets import Dataset, sizes
from lottery.experiments import chain_masks as chains
from lottery.experiments.all_parts import batch_key
from lottery.experiments.experiment import Experiment
from lottery.experiments.memory import peak
from lottery.experiments.parts import part_of
from lottery.experiments.population import Population
from lottery.experiments.worker import Worker
from lottery.models.cost import training_cost
from lottery.models.evaluation import evaluate
from lottery.training.fit import Replica, fit

CALIBRATION = 0.5  # seconds that a speed is measured for


def arithmetic(one: Experiment) -> float:
    """Return the floating-point operations of an experiment's training steps."""
    return float(training_cost(one.setting.architecture, one.setting.config.batch_size).operations) * one.steps


def cheapest_first(
    needs: Mapping[str, Iterable[Experiment]], cost: Callable[[Experiment], float] = arithmetic
) -> list[tuple[str, list[Experiment]]]:
    """Return the claims so that the next one always costs least, each with what it needs beyond those before it.

    `needs` has the experiments that are still missing for each claim, missing ancestors included. What several claims
    share is paid by the first; of equally cheap claims the first in `needs` comes first.
    """
    open_needs = {claim: set(missing) for claim, missing in needs.items()}
    asking: dict[Experiment, list[str]] = {}  # by what each is needed
    for claim, missing in open_needs.items():
        for one in missing:
            asking.setdefault(one, []).append(claim)
    price = {one: cost(one) for one in asking}
    total = {claim: sum(map(price.__getitem__, missing)) for claim, missing in open_needs.items()}
    order = []
    while total:
        cheapest = min(total, key=total.__getitem__)
        paid = open_needs[cheapest]
        order.append((cheapest, sorted(paid, key=repr)))
        del total[cheapest]
        for claim in {claim for one in paid for claim in asking[one]} & total.keys():
            open_needs[claim] -= paid
            total[claim] = sum(map(price.__getitem__, open_needs[claim]))
    return order


def turns(order: Sequence[tuple[str, list[Experiment]]]) -> dict[Experiment, int]:
    """Return for each experiment the place of the first claim that needs it."""
    return {one: place for place, (_, paid) in enumerate(order) for one in paid}


@dataclass(frozen=True)
class Speed:
    """What a kind of training costs on this machine, in seconds a network: a step, and a pass over one image."""

    step: float
    image: float

    def seconds(self, one: Experiment, of_parts: Sequence[int]) -> float:
        """Return the seconds of one experiment: its steps, its looks at the validation loss, its measurements.

        `of_parts` are the numbers of images for training, validation and testing.
        """
        config, action = one.setting.config, part_of(one.arm.action)
        images = action.images(config, of_parts)
        return one.steps * self.step + images * self.image


def calibrate(experiments: Sequence[Experiment], data: Dataset, device: str) -> Speed:
    """Return the speed of a batch of experiments of one kind, measured in about a second on this device."""
    population = Population(experiments, device)
    action, setting = part_of(experiments[0].arm.action), experiments[0].setting
    if not experiments[0].steps and not action.images(setting.config, [1, 1, 1]):
        return Speed(0.0, 0.0)
    block = start_block(population)
    trainable = population.layout.trainable(None)
    replicas = [Replica(start, trainable, (seed, "calibration")) for seed, start in enumerate(block)]

    def took(iterations: int) -> float:
        config = replace(setting.config, iterations=iterations, interval=iterations, snapshots=())
        started = time.perf_counter()
        fit(population.model, action.parametrisation(population), population.data, config, replicas, [])
        wait()
        return time.perf_counter() - started

    took(1)
    short, steps = took(1), 16
    while (passed := max(took(1 + steps) - short, 0.0)) < CALIBRATION and steps < 4_096:
        steps *= min(16, max(2, ceil(CALIBRATION / passed))) if passed else 2
    started = time.perf_counter()
    if len(data.validation.images):
        buffers = population.layout.initial_buffers().to(block).repeat(len(block), 1)
        evaluate(population.model, block, buffers, data.validation.images, data.validation.labels)[0].sum().item()
    image = (time.perf_counter() - started) / max(1, len(data.validation.images))
    return Speed(passed / steps / len(experiments), image / len(experiments))


def start_block(population: Population) -> Tensor:
    """Return what a population's networks are initialised with, (R, P)."""
    if population.planted:
        return population.planted_block()
    blocks = [chains.joined(one, chains.initial(one)) for one in population.experiments]
    return torch.stack(blocks).to(population.device)


def memory(one: Experiment, data: Dataset, replicas: int) -> int:
    """Return about how many bytes a worker needs for its data and a batch of so many networks, beside torch."""
    images = sum(part.images.numel() * part.images.element_size() for part in (data.train, data.validation, data.test))
    return images + replicas * peak(one)


@dataclass(frozen=True)
class Row:
    """A claim in a plan: the networks it needs beyond those of claims before it, their steps, seconds of one worker."""

    claim: str
    networks: int
    steps: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """What would be trained, the cheapest claim first; how many networks are stored; the bytes of a worker."""

    rows: list[Row]
    stored: int
    memory: int

    @property
    def seconds(self) -> float:
        """Seconds of work for a single worker."""
        return sum(row.seconds for row in self.rows)


def plan(worker: Worker, needs: Mapping[str, Iterable[Experiment]]) -> Plan:
    """Return what the claims in `needs` would have trained, after measuring how fast this machine is at it."""
    missing = {claim: worker.missing(wanted) for claim, wanted in needs.items()}
    kinds: dict[tuple, list[Experiment]] = {}
    for one in sorted(set().union(*missing.values()), key=repr):
        kinds.setdefault(batch_key(one), []).append(one)
    batches = {
        key: experiments[: worker.at_most(experiments[0], len(experiments))] for key, experiments in kinds.items()
    }
    images = {key: sizes(worker.data(batch[0].setting)) for key, batch in batches.items()}
    speeds = {key: calibrate(batch, worker.data(batch[0].setting), worker.device) for key, batch in batches.items()}

    def seconds(one: Experiment) -> float:
        key = batch_key(one)
        return speeds[key].seconds(one, images[key])

    rows = [
        Row(claim, len(paid), sum(one.steps for one in paid), sum(map(seconds, paid)))
        for claim, paid in cheapest_first(missing, seconds)
    ]
    needed = max((memory(batch[0], worker.data(batch[0].setting), len(batch)) for batch in batches.values()), default=0)
    return Plan(rows, len(worker.entries), needed)
