"""The tasks whose best tickets are known: data drawn from the functions that are planted (Fischer & Burkholz 2021, appendix B.1)."""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from lottery.errors import LotteryError
from lottery.streams import stream
from lottery.targets import BOUNDARIES, TASKS

NOISE = {"relu": 0.01, "circle": 0.01, "helix": 0.01}  # deviation of the outputs, or share of labels that are moved
INPUTS = {"relu": 1, "circle": 2, "helix": 1}
REGRESSION = ("relu", "helix")


@dataclass(frozen=True)
class Sample:
    """Inputs (N, inputs), uniform on [-1, 1], and what was observed of them: outputs (N, outputs), or classes (N,) int64."""

    inputs: Tensor
    observed: Tensor


def function(task: str, inputs: Tensor) -> Tensor:
    """Return what a task asks for, without noise: outputs (N, outputs), or for circle the scores (N, 4) of its classes."""
    if task == "relu":
        return inputs.relu()
    if task == "helix":
        turn = 5 * pi + 3 * pi * inputs[:, 0]
        return torch.stack([turn * turn.cos(), turn * turn.sin(), turn], 1) / (8 * pi)
    if task == "circle":
        radius = inputs.square().sum(1)
        slopes, offsets = [0.1], [0.0]
        for boundary in BOUNDARIES:
            offsets.append(offsets[-1] - slopes[-1] * boundary)
            slopes.append(2 * slopes[-1])
        return radius.unsqueeze(1) * radius.new_tensor(slopes) + radius.new_tensor(offsets)
    raise LotteryError(f"there is no task {task!r}; the tasks are {', '.join(TASKS)}")


def draw(task: str, count: int, seed: int, part: str, noise: float | None = None) -> Sample:
    """Return `count` samples of a task, independent for every seed and part ("train", "test", "prune").

    `noise` is the deviation of the noise on every output, or for circle the share of samples whose label is moved to the
    runner-up, the class with the second highest score; by default the paper's. It reads "N(0, 0.01)"; the released code takes
    0.01 for the deviation, which we do as well.
    """
    noise = NOISE[task] if noise is None else noise
    inputs = 2 * torch.rand(count, INPUTS[task], generator=stream(seed, "task", task, part, "inputs"), dtype=torch.float64) - 1
    outputs, generator = function(task, inputs), stream(seed, "task", task, part, "noise")
    if task in REGRESSION:
        return Sample(inputs, outputs + noise * torch.randn(outputs.shape, generator=generator, dtype=torch.float64))
    best = outputs.topk(2, 1).indices  # (N, 2)
    moved = torch.rand(count, generator=generator) < noise
    return Sample(inputs, torch.where(moved, best[:, 1], best[:, 0]))


def score(task: str, predicted: Tensor, observed: Tensor) -> Tensor:
    """Return how good predictions (..., N, outputs) are: the mean squared error, or for circle the share of classes that are right, (...)."""
    if task in REGRESSION:
        return (predicted - observed).square().mean((-2, -1))
    return (predicted.argmax(-1) == observed).double().mean(-1)
