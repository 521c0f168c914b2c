"""Targets: small ReLU networks that compute a known function, to be planted (Fischer & Burkholz 2021, appendix B.1).

Depths count the input layer, as the paper's do: a network of depth 5 has four layers of weights. All is float64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin, sqrt

import numpy as np
import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.data.tasks import BOUNDARIES
from lottery.models.perceptrons import forward

CIRCLE_KNOTS, HELIX_KNOTS = 10, 30
Layers = tuple[Tensor, Tensor, Tensor, Tensor]  # inner weights and biases, outer weights, outer bias


@dataclass(frozen=True)
class Target:
    """A ReLU network with a linear last layer: weights (inputs, outputs), biases (outputs,); zeros do not count."""

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        fits = all(a.shape[1] == b.shape[0] for a, b in pairwise(self.weights))
        if not self.weights or len(self.weights) != len(self.biases) or not fits:
            raise LotteryError(
                "a target needs layers of weights that follow on each other, with a vector of biases each"
            )
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            if weight.shape[1] != len(bias):
                raise LotteryError(f"layer {place} of the target has {weight.shape[1]} outputs and {len(bias)} biases")
            if not weight.any(0).all():
                raise LotteryError(f"layer {place} of the target has an output without weights; leave it out")

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of inputs and of every layer's outputs."""
        return (self.weights[0].shape[0], *(len(bias) for bias in self.biases))

    @property
    def size(self) -> int:
        """Number of weights that are not zero; biases are not counted, as in the paper."""
        return sum(int((weight != 0).sum()) for weight in self.weights)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return the outputs (N, outputs) for inputs (N, inputs)."""
        return forward(self.weights, self.biases, inputs)


def interpolation(function: Callable[[Tensor], Tensor], knots: Tensor, signs: Tensor) -> Layers:
    """Return a layer of a ReLU a knot, and what sums it, that interpolate a function between equidistant knots.

    That is inner weights and biases, outer weights, all (knots,), and the outer bias. A unit looks to the right of its
    knot where its sign is 1, to the left where it is -1. The first looks to the right and carries the slope that those
    looking left leave to be made up for; beyond the last knot the function is followed for one more spacing.
    """
    reached = torch.cat([knots, knots[-1:] + (knots[1] - knots[0])])
    values = function(reached)
    slopes = (values[1:] - values[:-1]) / (reached[1:] - reached[:-1])
    bends = slopes[1:] - slopes[:-1]
    outer = torch.cat([slopes[:1] + bends[signs[1:] == -1].sum(), bends])
    inner_bias = -knots * signs
    at_first = (knots[0] * signs + inner_bias).relu() @ outer
    return signs, inner_bias, outer, function(knots[:1])[0] - at_first


def alternating(count: int, last: float | None = None) -> Tensor:
    """Return signs 1, -1, 1, ..., the last one given where it is to be another."""
    signs = torch.ones(count, dtype=torch.float64)
    signs[1::2] = -1
    if last is not None:
        signs[-1] = last
    return signs


def relu(depth: int) -> Target:
    """Return max(0, x) as a path of ones."""
    one, zero = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    return Target((one,) * (_depth(depth) - 1), (zero,) * (depth - 1))


def circle(depth: int) -> Target:
    """Return scores of four classes by the squared radius of (x1, x2), the largest of them up to interpolation.

    From depth 4 on the plane is folded to a quadrant; from depth 6 on every further layer mirrors it once more, so that
    a point is described by what lies along an axis and by the ever smaller rest across it.
    """
    if _depth(depth) == 3:
        along = across = _squares(torch.linspace(-1, 1, CIRCLE_KNOTS, dtype=torch.float64), last=-1)
        first, second = _matrix([1, 0], [0, 1]).split(1, 1)
        return _classified([], first, second, along, across)
    parts = _matrix([1, -1, 0, 0], [0, 0, 1, -1])  # x1 and -x1, x2 and -x2
    joined = _matrix([1, 0], [1, 0], [0, 1], [0, 1])  # their positive parts make |x1| and |x2|
    if depth == 4:
        along = across = _squares(torch.linspace(0, 1, CIRCLE_KNOTS, dtype=torch.float64), last=-1)
        return _classified([parts], joined[:, :1], joined[:, 1:], along, across)
    mirrors, axis, angle = [], torch.eye(2, dtype=torch.float64), pi / 2
    for _ in range(depth - 5):
        angle /= 2
        parallel = cos(angle) * axis[0] + sin(angle) * axis[1]
        perpendicular = sin(angle) * axis[0] - cos(angle) * axis[1]
        mirrors.append(torch.stack([parallel, perpendicular, -perpendicular], 1))
        axis = _matrix([cos(angle), sin(angle), sin(angle)], [sin(angle), -cos(angle), -cos(angle)])
    if depth == 5:
        along = across = _squares(torch.linspace(0, 1, CIRCLE_KNOTS, dtype=torch.float64), last=1)
        first, second = _matrix([1, 0], [0, 1]).split(1, 1)
    else:
        width = sin(angle) * sqrt(BOUNDARIES[-1]) + 0.01
        knots = min(-int(-2 * CIRCLE_KNOTS * sqrt(2) / (width + sqrt(2)) // 1), 2 * CIRCLE_KNOTS - 3)
        along = _squares(torch.linspace(0, sqrt(2), knots, dtype=torch.float64), last=1)
        across = _squares(torch.linspace(0, width, 2 * CIRCLE_KNOTS - knots, dtype=torch.float64), last=1)
        first, second = _matrix([1, 0], [0, 1], [0, 1]).split(1, 1)  # the absolute value of what lies across
    return _classified([parts, joined, *mirrors], first, second, along, across)


def _matrix(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _squares(knots: Tensor, last: float) -> Layers:
    return interpolation(torch.square, knots, alternating(len(knots), last))


def _classified(before: list[Tensor], first: Tensor, second: Tensor, along: Layers, across: Layers) -> Target:
    """Return layers `before`, then the squares of two sums of their outputs, then the classes' scores.

    A class's score rises with the squared radius, twice as fast as that of the class inside it, and overtakes it at
    their boundary.
    """
    knots = torch.cat([first * along[0], second * across[0]], 1)
    slopes, offsets = [5.0], [0.0]
    for boundary in BOUNDARIES:
        offsets.append(offsets[-1] - slopes[-1] * boundary)
        slopes.append(2 * slopes[-1])
    rise = torch.tensor(slopes, dtype=torch.float64)
    scores = torch.cat([along[2], across[2]]).unsqueeze(1) * rise
    constant = torch.tensor(offsets, dtype=torch.float64) + (along[3] + across[3]) * rise
    zeros = [torch.zeros(layer.shape[1], dtype=torch.float64) for layer in before]
    return Target((*before, knots, scores), (*zeros, torch.cat([along[1], across[1]]), constant))


def helix(depth: int) -> Target:
    """Return the curve (t cos t, t sin t, t) / 8 pi with t = 5 pi + 3 pi x.

    The third output is a straight line, whose bends are rounding noise of about 1e-16. As in the released code they are
    weights of the target; the paper's counts include them.
    """
    from_zero = _depth(depth) > 3  # a first layer moves x to where it is never negative
    ends = (0, 2) if from_zero else (-1, 1)
    knots = torch.from_numpy(np.linspace(*ends, HELIX_KNOTS))  # numpy's rounding decides the third output's noise

    def turn(x: Tensor) -> Tensor:
        return 5 * pi + 3 * pi * (x - 1 if from_zero else x)

    curves = (
        lambda x: turn(x) * turn(x).cos() / (8 * pi),
        lambda x: turn(x) * turn(x).sin() / (8 * pi),
        lambda x: turn(x) / (8 * pi),
    )
    parts = [interpolation(curve, knots, alternating(HELIX_KNOTS)) for curve in curves]
    weights = [parts[0][0].unsqueeze(0), torch.stack([part[2] for part in parts], 1)]
    biases = [parts[0][1], torch.stack([part[3] for part in parts])]
    if from_zero:
        weights.insert(0, torch.ones(1, 1, dtype=torch.float64))
        biases.insert(0, torch.ones(1, dtype=torch.float64))
    identities = depth - 4
    if identities > 0:  # the outputs pass as they are, moved to where a ReLU leaves them alone
        biases[-1] = biases[-1] + 1
        weights += [torch.eye(3, dtype=torch.float64)] * identities
        biases += [torch.zeros(3, dtype=torch.float64)] * (identities - 1) + [-torch.ones(3, dtype=torch.float64)]
    return Target(tuple(weights), tuple(biases))


TASKS: dict[str, Callable[[int], Target]] = {"relu": relu, "circle": circle, "helix": helix}


def _depth(depth: int) -> int:
    if depth < 3:
        raise LotteryError(f"the targets begin at depth 3 (an input layer and two layers of weights), not at {depth}")
    return depth
