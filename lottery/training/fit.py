"""The engine: train R networks at once from given starts, some of their weights frozen, and measure them.

It knows nothing of criteria, chains or papers. A treatment has become a start and a set of weights that may move.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from lottery.core.rng import stream
from lottery.data.datasets import Dataset
from lottery.models.layout import Layout
from lottery.models.perceptrons import Perceptrons
from lottery.training.config import Config
from lottery.training.learned_masks import Supermask

VERSION = 2  # raise it when a change to the engine can change a result; results of another version are not reused
TRIALS = 3  # steps before a GPU's step is captured


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
class Trained:
    """What became of one replica: its measurements (numbers and lists of numbers) and its final parameters (P,)."""

    measurements: dict[str, object]
    final: Tensor


class DataOrder:
    """Index batches (R, B) without end: every epoch a fresh permutation per distinct order, an incomplete last batch dropped."""

    def __init__(self, orders: Sequence[tuple[object, ...]], images: int, batch_size: int, device: torch.device):
        self._streams = {order: stream(*order) for order in orders}
        self._which = [list(self._streams).index(order) for order in orders]
        self._images, self._batch_size, self._device = images, batch_size, device
        self._batches = images // batch_size
        self._next = self._batches

    def __next__(self) -> Tensor:
        if self._next == self._batches:
            shuffled = torch.stack([torch.randperm(self._images, generator=s) for s in self._streams.values()])
            used = shuffled[self._which, : self._batches * self._batch_size]
            self._epoch = used.view(len(used), self._batches, self._batch_size).to(self._device)
            self._next = 0
        self._next += 1
        return self._epoch[:, self._next - 1]


class Parametrisation(Protocol):
    """How trained parameters become the network's: two blocks (R, P), `trained` and `effective`, each with its gradient.

    With `draws` zero the parameters are what is measured, at early stop and at the end. Otherwise they are those of a mask,
    and the accuracy at the end is the mean over so many refreshed ones.
    """

    trained: Tensor
    gradient: Tensor
    effective: Tensor
    effective_gradient: Tensor
    draws: int
    resident: bool  # whether `refresh` and `pull_back` stay on the device, so that a step can be captured there

    def refresh(self) -> None:
        """Set `effective` from `trained`, before a pass over the data."""

    def pull_back(self) -> None:
        """Set `gradient` from `effective_gradient`."""


class Identity:
    """The network's parameters are trained themselves."""

    draws = 0
    resident = True

    def __init__(self, start: Tensor):
        self.trained = self.effective = start
        self.gradient = self.effective_gradient = torch.zeros_like(start)

    def refresh(self) -> None:
        """Nothing to set: the two are one."""

    def pull_back(self) -> None:
        """Nothing to set: the two gradients are one."""


class Descent:
    """An optimiser over a block (R, P) in which frozen parameters never move.

    They stay because their gradient is zeroed: after coupled weight decay was added to it, and with moments that start from
    zero, since every training makes a new optimiser. The updates are torch's own fused kernels, called directly: the classes
    of `torch.optim` around them cost a second to import and a twentieth of a step on small networks.
    """

    def __init__(
        self, block: Tensor, gradient: Tensor, trainable: Tensor | None, config: Config, rates: Sequence[float]
    ):
        self._block, self._gradient, self._trainable, self._recipe = block, gradient, trainable, config
        self._first, self._second = torch.zeros_like(block), torch.zeros_like(block)
        self._steps = torch.zeros((), device=block.device)
        self.factor = 1.0  # what all learning rates are multiplied by; set it to follow a schedule
        # one kernel call for each run of neighbours with equal rates: usually a single one
        ends = [row for row in range(1, len(rates) + 1) if row == len(rates) or rates[row] != rates[row - 1]]
        everything = (block, gradient, self._first, self._second)
        self._parts = [
            ([tensor[start:end] for tensor in everything], rates[start]) for start, end in zip([0, *ends], ends)
        ]

    @property
    def state(self) -> list[Tensor]:
        """All tensors that a step changes, but for the gradient."""
        return [self._block, self._first, self._second, self._steps]

    def step(self) -> None:
        """Move the parameters by one step along the current gradient."""
        block, gradient, config = self._block, self._gradient, self._recipe
        if config.weight_decay:
            gradient.add_(block, alpha=config.weight_decay)
        if self._trainable is not None:
            gradient.mul_(self._trainable)
        self._steps += 1
        for (block, gradient, first, second), rate in self._parts:
            rate *= self.factor
            if config.optimiser == "adam":
                torch._fused_adam_(
                    [block], [gradient], [first], [second], [], [self._steps],
                    lr=rate, beta1=0.9, beta2=0.999, weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False,
                )  # fmt: skip
            else:
                torch._fused_sgd_(
                    [block], [gradient], [first] if config.momentum else [], lr=rate, momentum=config.momentum,
                    weight_decay=0.0, dampening=0.0, nesterov=False, maximize=False, is_first_step=False,
                )  # fmt: skip


class Step:
    """One training step of a batch: its images, its gradient, the move, the parameters that follow.

    On a GPU the step is captured once in a CUDA graph and replayed from then on: launching its thirty small kernels one by one
    would take longer than running them. Nothing in it waits for the processor.
    """

    def __init__(
        self, data: Dataset, networks: Perceptrons, parameters: Parametrisation, descent: Descent, replicas: int
    ):
        self._data, self._networks, self._parameters, self._descent, self._replicas = (
            data.train,
            networks,
            parameters,
            descent,
            replicas,
        )
        self._graph: torch.cuda.CUDAGraph | None = None
        self._index: Tensor | None = None  # (R * B), where a captured step reads which images it takes
        self._captures = data.device.type == "cuda" and parameters.resident

    def __call__(self, index: Tensor) -> None:
        """Train on the images `index` (R, B)."""
        index = index.reshape(-1)
        if not self._captures:
            self._run(index)
            return
        if self._graph is None:
            self._capture(index)
        self._index.copy_(index)
        self._graph.replay()

    def _run(self, index: Tensor) -> None:
        images = self._data.images.index_select(0, index).view(self._replicas, len(index) // self._replicas, -1)
        self._networks.set_gradient(images, self._data.labels.index_select(0, index))
        self._parameters.pull_back()
        self._descent.step()
        self._parameters.refresh()

    def _capture(self, index: Tensor) -> None:
        """Capture the step, after the trial steps that libraries need to set themselves up and whose effect is undone."""
        with torch.cuda.device(index.device):
            self._index, before = index.clone(), [tensor.clone() for tensor in self._descent.state]
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(TRIALS):
                    self._run(self._index)
            torch.cuda.current_stream().wait_stream(aside)
            for tensor, value in zip(self._descent.state, before):
                tensor.copy_(value)
            self._parameters.refresh()
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._run(self._index)


class EarlyStop:
    """The running minimum of the validation loss, (R,), and a copy of the parameters there: found afterwards, it never stops a run."""

    def __init__(self, block: Tensor):
        self.weights = block.clone()
        self.loss = torch.full((len(block),), torch.inf, dtype=torch.float64, device=block.device)
        self.iteration = torch.zeros(len(block), dtype=torch.int64, device=block.device)
        self.curve: list[Tensor] = []
        self.accuracies: list[Tensor] = []

    def look(self, iteration: int, loss: Tensor, accuracy: Tensor, block: Tensor) -> None:
        """Take note of the validation loss and accuracy (R,) at this iteration; the first of equal minima counts."""
        lower = loss < self.loss
        self.loss = torch.where(lower, loss, self.loss)
        self.iteration = torch.where(lower, iteration, self.iteration)
        self.weights = torch.where(lower.unsqueeze(1), block, self.weights)
        self.curve.append(loss)
        self.accuracies.append(accuracy)


@torch.no_grad()
def train(
    network: str,
    data: Dataset,
    config: Config,
    replicas: Sequence[Replica],
    watch: Callable[[int], None] = lambda iteration: None,
    parametrise: Callable[[Tensor], Parametrisation] = Identity,
) -> list[Trained]:
    """Return what became of each replica, in their order. `watch` is told the iteration at every look at the validation loss.

    `parametrise` makes the starts (R, P) into trained and effective parameters; by default they are the same.
    """
    device = data.device
    parameters = parametrise(torch.stack([replica.start for replica in replicas]).to(device))
    parameters.refresh()
    networks = Perceptrons(network, parameters.effective, parameters.effective_gradient)
    start_correct = networks.evaluate(data.test.images, data.test.labels)[1]
    rates = [config.learning_rate if replica.learning_rate is None else replica.learning_rate for replica in replicas]
    descent = Descent(
        parameters.trained, parameters.gradient, _masked(networks.layout, replicas, parameters.trained), config, rates
    )
    early_stop = EarlyStop(parameters.trained)
    batches = DataOrder([replica.order for replica in replicas], len(data.train.images), config.batch_size, device)
    step = Step(data, networks, parameters, descent, len(replicas))
    for iteration in range(1, config.iterations + 1):
        step(next(batches))
        if config.looks(iteration):
            loss, correct = networks.evaluate(data.validation.images, data.validation.labels)
            early_stop.look(iteration, loss, 100 * correct / len(data.validation.images), parameters.trained)
            watch(iteration)
    if parameters.draws:
        return _measured_under_masks(data, config, networks, parameters)
    return _measured(network, data, config, networks, early_stop, start_correct)


def _masked(layout: Layout, replicas: Sequence[Replica], like: Tensor) -> Tensor | None:
    """Return where parameters may move, (R, P), or None if all of them may, which saves a multiplication by ones."""
    trainable = torch.stack([replica.trainable for replica in replicas]).to(like)
    return None if bool((trainable == layout.trainable(None).to(like)).all()) else trainable


def _measured_under_masks(data: Dataset, config: Config, networks: Perceptrons, supermask: Supermask) -> list[Trained]:
    """Return the outcome of learned supermasks at the end: mean and deviation over masks, as Zhou et al. evaluate theirs."""
    accuracies = []
    for _ in range(supermask.draws):
        supermask.refresh()
        accuracies.append(100 * networks.evaluate(data.test.images, data.test.labels)[1] / len(data.test.images))
    sound = supermask.trained.isfinite().all(
        1, keepdim=True
    )  # logits that diverged draw empty masks, whose accuracy is a guess
    drawn = torch.where(sound, torch.stack(accuracies, 1), torch.nan)  # (R, masks)
    remaining = supermask.remaining().tolist()
    return [
        Trained(
            {
                "test_accuracy_end": drawn[r].mean().item(),
                "test_accuracy_deviation": drawn[r].std(correction=min(1, supermask.draws - 1)).item(),
                "weights_remaining": remaining[r],
                "iterations": config.iterations,
                "accuracy_step": 100 / len(data.test.images) / supermask.draws,
            },
            supermask.trained[r].cpu().clone(),
        )
        for r in range(len(drawn))
    ]


def _measured(network, data, config, networks, early_stop, start_correct) -> list[Trained]:
    """Return the outcome of every replica, with accuracies in per cent at the start, at early stop and at the end."""
    columns = {"test_accuracy_start": 100 * start_correct / len(data.test.images)}
    found = (
        early_stop.iteration > 0,
        early_stop.curve[-1].isfinite(),
    )  # a network that diverged has no accuracy, not that of a guess
    for moment, state, sound in zip(("early_stop", "end"), (Perceptrons(network, early_stop.weights), networks), found):
        for name, part in (("test", data.test), ("train", data.train)):
            correct = state.evaluate(part.images, part.labels)[1]
            columns[f"{name}_accuracy_{moment}"] = torch.where(sound, 100 * correct / len(part.images), torch.nan)
    columns = {name: values.tolist() for name, values in columns.items()}
    iterations, curves = early_stop.iteration.tolist(), torch.stack(early_stop.curve, 1).tolist()
    accuracies = torch.stack(early_stop.accuracies, 1).tolist()
    final = networks.block.cpu()
    return [
        Trained(
            {name: values[r] for name, values in columns.items()}
            | {
                "early_stop_iteration": iterations[r],
                "censored": iterations[r] == 0
                or iterations[r] > 0.9 * config.iterations,  # in the last tenth, or never
                "validation_loss": curves[r],
                "validation_accuracy": accuracies[r],
                "interval": config.interval,
                "iterations": config.iterations,
                "accuracy_step": 100 / len(data.test.images),
            },
            final[r].clone(),
        )
        for r in range(len(iterations))
    ]


@torch.no_grad()
def test_accuracy(network: str, data: Dataset, starts: Sequence[Tensor]) -> list[float]:
    """Return the test accuracy in per cent of untrained networks, one per block (P,) of parameters."""
    block = torch.stack(list(starts)).to(data.device)
    correct = Perceptrons(network, block).evaluate(data.test.images, data.test.labels)[1]
    return (100 * correct / len(data.test.images)).tolist()
