"""How fast networks with convolutions train, against two ordinary loops: part of `lottery bench`.

All three take a few steps in turns, and the shortest of each counts.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from tabulate import tabulate

from lottery.data.catalogue import noise
from lottery.data.datasets import Dataset, Part
from lottery.models.architectures import network
from lottery.models.cost import training_cost
from lottery.models.initialisers import initial_weights
from lottery.models.losses import mean_loss
from lottery.models.model import model_of
from lottery.training.config import Config
from lottery.training.fit import Replica, fit
from lottery.training.observers import Observer, State
from lottery.training.parametrisation import Identity

IMAGES, TURNS = 500, 3
HEADERS = ("network", "replicas", "engine\nms/step", "plain loop\nms/step", "ratio", "channels_last\nms/step", "ratio",
           "engine\nGFLOP/s")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """So many networks at once, trained as their papers train them, for a few steps."""

    network: str
    replicas: int
    batch: int
    steps: int
    optimiser: str = "adam"
    learning_rate: float = 2e-4
    momentum: float = 0.0

    @property
    def config(self) -> Config:
        """The training, in which the clock looks at every step."""
        return Config(self.optimiser, self.learning_rate, self.batch, self.steps, 1, momentum=self.momentum)


CASES = (
    Case("conv-2-miniature", 20, 20, 30),
    *(Case("lenet-conv", replicas, 32, 120 // replicas, "sgd", 0.01) for replicas in (6, 18)),
    *(Case(f"conv-{depth}-quarter", 5, 60, 4) for depth in (2, 4, 6)),
    Case("conv-2", 1, 60, 4),
    Case("resnet-18", 1, 128, 3, "sgd", 0.1, 0.9),
)


class Clock(Observer):
    """Notes the shortest step of a training."""

    def __init__(self) -> None:
        self.shortest = float("inf")

    def begin(self, state: State) -> None:
        """Start the clock."""
        self._last = time.perf_counter()

    def look(self, state: State, iteration: int) -> None:
        """Note the step since the last look."""
        if state.buffers.is_cuda:
            torch.cuda.synchronize(state.buffers.device)
        now = time.perf_counter()
        self.shortest, self._last = min(self.shortest, now - self._last), now


def engine(case: Case, images: Part) -> Callable[[], float]:
    """Return a function that trains all replicas of a case for its steps, and returns the seconds of the shortest."""
    architecture, data = network(case.network), Dataset("noise", images, images, images, "noise")
    layout, model = architecture.layout, model_of(architecture)
    starts = [layout.join(initial_weights(architecture, seed)) for seed in range(case.replicas)]
    free = layout.trainable(None)
    replicas = [Replica(start, free, (seed, "data order")) for seed, start in enumerate(starts)]

    def run() -> float:
        clock = Clock()
        fit(model, Identity, data, case.config, replicas, [clock])
        return clock.shortest

    return run


def plain_loop(case: Case, images: Part, memory_format: torch.memory_format) -> Callable[[], float]:
    """Return the same of one network in an ordinary loop: its module, autograd, a fused optimiser.

    It takes as many steps at a time as the engine has replicas, so that a disturbance meets both alike.
    """
    device = images.images.device
    module = network(case.network).build().to(device).to(memory_format=memory_format)
    if case.optimiser == "adam":
        optimiser: torch.optim.Optimizer = torch.optim.Adam(module.parameters(), case.learning_rate, fused=True)
    else:
        optimiser = torch.optim.SGD(module.parameters(), case.learning_rate, case.momentum, fused=True)

    def step() -> None:
        index = torch.randint(0, IMAGES, (case.batch,), device=device)
        optimiser.zero_grad()
        outputs = module(images.images[index].contiguous(memory_format=memory_format))
        mean_loss("cross-entropy", outputs, images.labels[index]).backward()
        optimiser.step()

    def round() -> float:
        started = time.perf_counter()
        for _ in range(case.replicas):
            step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started

    return lambda: min(round() for _ in range(case.steps))


def convolutions(device: str) -> str:
    """Return a table of the speed of networks with convolutions on this device."""
    rows = []
    for case in CASES:
        architecture = network(case.network)
        images = noise(architecture.input_shape, architecture.layers[-1].fan_out, (IMAGES, 1, 1), device).train
        loops = [plain_loop(case, images, layout) for layout in (torch.contiguous_format, torch.channels_last)]
        runs = [engine(case, images), *loops]
        turns = [[run() / case.replicas for run in runs] for _ in range(TURNS)]
        ours, plain, last = map(min, zip(*turns))
        work = training_cost(architecture, case.batch).operations
        rows.append([case.network, case.replicas, f"{ours * 1e3:.2f}", f"{plain * 1e3:.2f}", f"{plain / ours:.1f}x",
                     f"{last * 1e3:.2f}", f"{last / ours:.1f}x", f"{work / ours / 1e9:.0f}"])  # fmt: skip
    title = "convolutions, steps alone; beside an ordinary loop the same loop with channels_last tensors"
    return "\n".join([title, tabulate(rows, HEADERS, disable_numparse=True, stralign="right")])
