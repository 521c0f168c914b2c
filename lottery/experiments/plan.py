"""Planning: what a set of claims still needs, what that costs, and which claims to decide first when there is not time for all."""

import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lottery.data.datasets import Dataset, Part
from lottery.experiments.experiment import Experiment, initial
from lottery.experiments.scales import SUPERMASK_ROUNDS
from lottery.experiments.scheduler import COPIES, Worker, kind, parametrisation
from lottery.experiments.searches import Search
from lottery.experiments.seeking import step_time
from lottery.models.architectures import network
from lottery.models.cost import training_cost
from lottery.models.evaluation import untrained_scores
from lottery.training.fit import Replica, train

CALIBRATION = 0.5  # seconds that a speed is measured for
ROWS = 100  # validation and test images of a calibration: as few as there can be


def arithmetic(one: Experiment) -> float:
    """Return the floating-point operations of an experiment's training steps."""
    return training_cost(network(one.setting.network), one.setting.config.batch_size).operations * float(one.steps)


def cheapest_first(
    needs: Mapping[Hashable, Iterable[Experiment]], cost=arithmetic
) -> list[tuple[Hashable, list[Experiment]]]:
    """Return the claims in the order in which the next one always costs least, each with what it needs beyond those before it.

    `needs` has, for each claim, the experiments that are still missing for it, their missing ancestors included. What several
    claims share is paid by the first; of equally cheap claims the one that comes first in `needs` is first.
    """
    open_needs, order = {claim: set(missing) for claim, missing in needs.items()}, []
    while open_needs:
        claim = min(open_needs, key=lambda claim: sum(map(cost, open_needs[claim])))
        paid = open_needs.pop(claim)
        order.append((claim, sorted(paid, key=repr)))
        for others in open_needs.values():
            others -= paid
    return order


def turns(order: Sequence[tuple[Hashable, list[Experiment]]]) -> dict[Experiment, int]:
    """Return for each experiment the place of the first claim that needs it."""
    return {one: place for place, (_, paid) in enumerate(order) for one in paid}


@dataclass(frozen=True)
class Speed:
    """What a kind of training costs on this machine, in seconds a network: a step, and a pass over one image."""

    step: float
    image: float

    def seconds(self, one: Experiment, data: Dataset) -> float:
        """Return the seconds of one experiment: its steps, its looks at the validation loss, and what is measured at the end."""
        config = one.setting.config
        if isinstance(one, Search):
            return config.iterations * self.step
        if one.arm.dissected:
            return 0.0
        if not one.arm.trained:
            return len(SUPERMASK_ROUNDS) * self.image * len(data.test.images)
        looks = config.iterations // config.interval * len(data.validation.images)
        measured = 3 * len(data.test.images) + 2 * len(data.train.images)
        return config.iterations * self.step + (looks + measured) * self.image


def calibrate(experiments: Sequence[Experiment | Search], data: Dataset, device: str) -> Speed:
    """Return the speed of a batch of experiments of one kind, measured in about a second on this device."""
    if isinstance(experiments[0], Search):
        return Speed(step_time(experiments, device) if experiments[0].steps else 0.0, 0.0)
    one, layout = experiments[0], network(experiments[0].setting.network).layout
    start = layout.join(initial(one))
    replicas = [Replica(start, layout.trainable(None), (seed, "calibration")) for seed in range(len(experiments))]
    few = Dataset(
        data.name,
        data.train,
        *(Part(part.images[:ROWS], part.labels[:ROWS]) for part in (data.validation, data.test)),
        data.fingerprint,
    )

    def took(iterations: int) -> float:
        config = replace(one.setting.config, iterations=iterations, interval=iterations)
        started = time.perf_counter()
        train(one.setting.network, few, config, replicas, parametrise=parametrisation(list(experiments), layout))
        return time.perf_counter() - started

    took(1)
    short, steps = took(1), 16
    while (long := took(1 + steps)) - short < CALIBRATION and steps < 4_096:
        steps *= 2
    starts = [start] * len(experiments)
    started = time.perf_counter()
    untrained_scores(one.setting.network, replace(data, test=data.validation), starts)
    image = (time.perf_counter() - started) / len(data.validation.images)
    return Speed(max(long - short, 0.0) / steps / len(experiments), image / len(experiments))


def memory(one: Experiment, data: Dataset, replicas: int) -> int:
    """Return about how many bytes a worker needs for its data and for a batch of so many networks, beside torch itself."""
    images = sum(part.images.numel() * part.images.element_size() for part in (data.train, data.validation, data.test))
    activations = training_cost(network(one.setting.network), one.setting.config.batch_size).activations
    return images + replicas * (COPIES * 4 * network(one.setting.network).layout.size + activations)


@dataclass(frozen=True)
class Row:
    """A claim in a plan: how many networks it still needs beyond those of the claims before it, their steps, and the seconds of one worker."""

    claim: str
    networks: int
    steps: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """What would be trained, claim by claim, the cheapest first; how many networks the store has; and the bytes that a worker needs."""

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
        kinds.setdefault(kind(one), []).append(one)
    batches = {key: experiments[: worker.at_most(experiments)] for key, experiments in kinds.items()}
    speeds = {key: calibrate(batch, worker.data(batch[0].setting), worker.device) for key, batch in batches.items()}

    def seconds(one: Experiment) -> float:
        return speeds[kind(one)].seconds(one, worker.data(one.setting))

    rows = [
        Row(claim, len(paid), sum(one.steps for one in paid), sum(map(seconds, paid)))
        for claim, paid in cheapest_first(missing, seconds)
    ]
    needed = max((memory(batch[0], worker.data(batch[0].setting), len(batch)) for batch in batches.values()), default=0)
    return Plan(rows, len(worker.entries), needed)
