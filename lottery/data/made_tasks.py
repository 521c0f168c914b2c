"""The tasks whose best tickets are known: data drawn from what is planted (Fischer & Burkholz 2021, appendix B.1)."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data.datasets import Dataset, Part
from lottery.data.tasks import BOUNDARIES, SIZES

NOISE = {"relu": 0.01, "circle": 0.01, "helix": 0.01}  # deviation of the outputs, or share of labels that are moved
REGRESSION = ("relu", "helix")
FOUND = {"relu": 3.0, "helix": 1.5}  # times the error of the planted ticket
SAMPLES, HELD_OUT = 10_000, 1_000  # drawn for a network, and how many of them are for testing


@dataclass(frozen=True)
class Sample:
    """Inputs (N, inputs), uniform on [-1, 1], and what was observed: outputs (N, outputs), or classes (N,) int64."""

    inputs: Tensor
    observed: Tensor


def function(task: str, inputs: Tensor) -> Tensor:
    """Return what a task asks for, without noise: outputs (N, outputs), or for circle its classes' scores (N, 4)."""
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
    raise LotteryError(f"there is no task {task!r}; the tasks are {', '.join(SIZES)}")


def draw(task: str, count: int, seed: int, part: str, noise: float | None = None) -> Sample:
    """Return `count` samples of a task, independent for every seed and part ("samples", "test", "prune").

    `noise` is the deviation of the noise on every output, or for circle the share of labels moved to the class with the
    second highest score; by default the paper's. It reads "N(0, 0.01)"; like the released code we take 0.01 for the
    deviation.
    """
    noise = NOISE[task] if noise is None else noise
    generator = stream(seed, "task", task, part, "inputs")
    inputs = 2 * torch.rand(count, SIZES[task][0], generator=generator, dtype=torch.float64) - 1
    outputs, generator = function(task, inputs), stream(seed, "task", task, part, "noise")
    if task in REGRESSION:
        return Sample(inputs, outputs + noise * torch.randn(outputs.shape, generator=generator, dtype=torch.float64))
    best = outputs.topk(2, 1).indices  # (N, 2)
    moved = torch.rand(count, generator=generator) < noise
    return Sample(inputs, torch.where(moved, best[:, 1], best[:, 0]))


def score(task: str, predicted: Tensor, observed: Tensor) -> Tensor:
    """Return how good predictions (..., N, outputs) are, (...): mean squared error, or for circle accuracy in %."""
    if task in REGRESSION:
        return (predicted - observed).double().square().mean((-2, -1))
    return 100 * (predicted.argmax(-1) == observed).double().mean(-1)


@functools.lru_cache(maxsize=64)
def dataset(task: str, seed: int, noise: float | None = None) -> Dataset:
    """Return a seed's own 10,000 samples, float32, in the order drawn: 1,000 for testing, none for validation."""
    sample = draw(task, SAMPLES, seed, "samples", noise)
    inputs, observed = sample.inputs.float(), sample.observed.float() if task in REGRESSION else sample.observed
    train, test = (Part(inputs[part], observed[part]) for part in (slice(HELD_OUT, None), slice(HELD_OUT)))
    digest = hashlib.blake2b(inputs.numpy().data, digest_size=8)
    digest.update(observed.numpy().data)
    return Dataset(task, train, Part(inputs[:0], observed[:0]), test, digest.hexdigest())


def trivial(task: str, data: Dataset) -> dict[str, float]:
    """Return the scores on test data of the best constant and of the best affine function of the training data.

    For circle these are the most frequent class and the largest of four affine functions fitted to the classes.
    """
    labels = data.train.labels
    observed = (labels if task in REGRESSION else torch.nn.functional.one_hot(labels, SIZES[task][1])).double()

    def fitted(features: Callable[[Tensor], Tensor]) -> float:
        weights = torch.linalg.lstsq(features(data.train.images.double()), observed).solution
        return float(score(task, features(data.test.images.double()) @ weights, data.test.labels))

    return {
        "constant": fitted(lambda inputs: inputs.new_ones(len(inputs), 1)),
        "affine": fitted(lambda inputs: torch.cat([inputs.new_ones(len(inputs), 1), inputs], 1)),
    }


def margin(task: str, reached: float, ticket: float) -> float:
    """Return by how much a score is good enough to say that a ticket was found: below zero, it is not.

    Circle: at most three points below the planted ticket, in points, plus half a test sample, so that rounding decides
    nothing. ReLU: at most three times its error, Helix: one and a half times, in natural logarithms.
    """
    if task == "circle":
        return reached - ticket + 3 + 100 / HELD_OUT / 2
    return log(FOUND[task] * ticket / reached)
