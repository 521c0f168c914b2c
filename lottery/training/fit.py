"""The engine: train R networks at once from given starts, some of their weights frozen, and measure them.

It knows nothing of criteria, chains or papers. A treatment has become a start and a set of weights that may move.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lottery.core.rng import stream
from lottery.data.datasets import Dataset
from lottery.models.denormals import flushing
from lottery.models.layout import Layout
from lottery.models.model import Model
from lottery.store.fingerprints import listed
from lottery.training.config import Config
from lottery.training.counted_masks import resident
from lottery.training.data_order import DataOrder, ReplicaData
from lottery.training.observers import Accuracies, EarlyStop, MaskedAccuracies, Observer, Progress, State
from lottery.training.optimiser import Descent
from lottery.training.parametrisation import Identity, Parametrisation
from lottery.training.step import Step

VERSION = 3  # raise it when a change to the engine can change a result; results of another version are not reused


@dataclass(frozen=True)
class Replica:
    """One network to train.

    `start` (P,) are its parameters, `trainable` (P,) is 1.0 where they may move, `order` names its data order, and
    `learning_rate` is its own; None: the config's.
    """

    start: Tensor
    trainable: Tensor
    order: tuple[object, ...]
    learning_rate: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one replica: measurements (numbers, lists of numbers), what was trained (P,), and buffers (Q,)."""

    measurements: dict[str, object]
    final: Tensor
    buffers: Tensor


@listed
@torch.no_grad()
@flushing()
def fit(
    model: Model,
    parametrise: Callable[[Tensor], Parametrisation],
    data: Dataset | Sequence[Dataset],
    config: Config,
    replicas: Sequence[Replica],
    observers: Sequence[Observer] = (),
    loss: str = "",
) -> list[Outcome]:
    """Return what became of each replica, in their order, with the observers' measurements in theirs.

    `parametrise` makes the starts (R, P) into trained and effective parameters. `data` is everybody's, or one data set
    for each replica. `loss` is another one than the network's.
    """
    sets = ReplicaData(data, len(replicas), config.augmentation)
    parameters = resident(parametrise(torch.stack([replica.start for replica in replicas]).to(sets.device)))
    parameters.refresh()
    buffers = model.layout.initial_buffers().to(parameters.trained).repeat(len(replicas), 1)
    state = State(model, parameters, buffers, sets, config)
    for observer in observers:
        observer.begin(state)
    rates = [config.learning_rate if replica.learning_rate is None else replica.learning_rate for replica in replicas]
    trainable = _masked(model.layout, replicas, parameters.trained)
    descent = Descent(parameters.trained, parameters.gradient, trainable, config, rates)
    orders = [replica.order for replica in replicas]
    batches = DataOrder(orders, sets.count, config.batch_size, sets.device, sets.variants)
    streams = [stream(*order, "forward") for order in orders]  # type: ignore[arg-type]
    step = Step(model, sets, parameters, buffers, descent, loss or model.layout.network.loss, streams)
    factor = 1.0
    for iteration in range(1, config.iterations + 1):
        if (iteration - 1) % config.interval == 0 and parameters.anneal(_done_then(iteration, config)):
            parameters.refresh()
            step.release()
        before, factor = factor, config.schedule.factor(iteration, config.iterations, config.interval)
        if factor != before:
            descent.follow(factor)
        step(next(batches))
        if config.looks(iteration):
            for observer in observers:
                observer.look(state, iteration)
    del step, descent, trainable, batches  # graph, moments and data order, before measuring takes memory
    for observer in observers:
        observer.end(state)
    final, last = parameters.trained.cpu(), buffers.cpu()
    found = [
        {name: value for one in observers for name, value in one.measurements(row).items()} for row in range(len(final))
    ]
    return [Outcome(of_one, final[row].clone(), last[row].clone()) for row, of_one in enumerate(found)]


def _done_then(iteration: int, config: Config) -> float:
    """Return the fraction of a training that is done at the end of the interval that begins with an iteration."""
    return min(1.0, (iteration - 1 + config.interval) / config.iterations)


def _masked(layout: Layout, replicas: Sequence[Replica], like: Tensor) -> Tensor | None:
    """Return where parameters may move, (R, P), or None if all of them may, which saves a multiplication by ones."""
    trainable = torch.stack([replica.trainable for replica in replicas]).to(like)
    return None if bool((trainable == layout.trainable(None).to(like)).all()) else trainable


@listed
def observers_for(
    parametrise: Callable[[Tensor], Parametrisation], watch: Callable[[int], None] = lambda iteration: None
) -> list[Observer]:
    """Return what is measured of every training: accuracies and early stop; of learned masks their accuracy."""
    if parametrise is not Identity:
        return [MaskedAccuracies(), Progress(watch)]
    early_stop = EarlyStop()
    return [Accuracies(early_stop), early_stop, Progress(watch)]
