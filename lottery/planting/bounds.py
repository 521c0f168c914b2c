"""When a random network contains a target by itself: the bounds of Fischer & Burkholz 2021, lemma 1 and theorem 2."""

from collections.abc import Sequence
from math import prod, sqrt

import torch
from torch import Tensor

from lottery.core.rng import stream
from lottery.planting.targets import Target


def tolerances(target: Target, inputs: Tensor, error: float) -> list[float]:
    """Return how far the parameters of each layer may be off so that no output is off by more than `error` (lemma 1).

    The supremum is taken over `inputs` (N, inputs). The lemma stands in the main text and in appendix A.1 in two forms;
    this is the appendix's, which its proof uses: with the norm of what a layer gets, and the count of its parameters.
    """
    layers, allowed = len(target.weights), []
    for place, (weight, bias) in enumerate(zip(target.weights, target.biases)):
        parameters = int((weight != 0).sum() + (bias != 0).sum())
        after = prod(float(later.abs().max()) + error / layers for later in target.weights[place + 1 :])
        allowed.append(error / (layers * sqrt(parameters) * (1 + float(inputs.abs().sum(1).max())) * after))
        inputs = (inputs @ weight + bias).relu()
    return allowed


def chance(degrees: Sequence[Sequence[int]], widths: Sequence[int], errors: Sequence[float]) -> float:
    """Return a lower bound of the chance that a random network contains a target up to an error (theorem 2).

    `degrees` has for each layer the number of parameters of each of the target's neurons, `widths` the random network's
    neurons in that layer, `errors` how far the parameters of the layer may be off.
    """
    missed = (
        sum((1 - error**degree) ** width for degree in layer)
        for layer, width, error in zip(degrees, widths, errors, strict=True)
    )
    return prod(max(0.0, 1 - share) for share in missed)


def matched(degree: int, neurons: int, width: int, error: float, trials: int, generator: torch.Generator) -> float:
    """Return in which share of random layers all neurons of a target have a match within `error`; two may share one.

    Parameters are uniform on [-1, 1], those of the targets on [error - 1, 1 - error], as the theorem assumes.
    """
    host = 2 * torch.rand(trials, 1, width, degree, generator=generator) - 1
    targets = (1 - error) * (2 * torch.rand(trials, neurons, 1, degree, generator=generator) - 1)
    return ((host - targets).abs() <= error).all(-1).any(-1).all(-1).double().mean().item()


def paths(depth: int, width: int, trials: int, generator: torch.Generator) -> float:
    """Return in which share of random networks of one input and one output a path of positive weights leads through."""
    reached = torch.ones(trials, 1, dtype=torch.bool)
    for outputs in [width] * (depth - 2) + [1]:
        positive = torch.rand(trials, reached.shape[1], outputs, generator=generator) < 0.5
        reached = (reached.unsqueeze(2) & positive).any(1)
    return reached.double().mean().item()


def bounded_where_aligned(wanted: float = 0.1) -> bool:
    """Return whether three layers of three ones, too large by what lemma 1 allows, stay within the error."""
    target = Target(*[tuple(torch.ones(shape, dtype=torch.float64) for _ in range(3)) for shape in ((3, 3), (3,))])
    inputs = torch.ones(1, 3, dtype=torch.float64)
    allowed = tolerances(target, inputs, wanted)
    off = Target(*[tuple(values + most for values, most in zip(of, allowed)) for of in (target.weights, target.biases)])
    return float((target(inputs) - off(inputs)).abs().max()) <= wanted


def bounded_at_random(wanted: float = 0.1, networks: int = 200) -> bool:
    """Return whether random networks, off by what lemma 1 allows either way, stay within the error on 500 inputs."""
    generator, worst = stream(0, "lemma 1"), 0.0
    for _ in range(networks):
        shapes = [(2, 3), (3, 3), (3, 2)]
        weights = [2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1 for shape in shapes]
        biases = [2 * torch.rand(shape[1], generator=generator, dtype=torch.float64) - 1 for shape in shapes]
        target = Target(tuple(weights), tuple(biases))
        inputs = 2 * torch.rand(500, 2, generator=generator, dtype=torch.float64) - 1
        allowed = tolerances(target, inputs, wanted)

        def moved(values: Tensor, most: float) -> Tensor:
            return values + most * (2.0 * torch.randint(0, 2, values.shape, generator=generator) - 1)

        off = Target(*(tuple(map(moved, parameters, allowed)) for parameters in (weights, biases)))
        worst = max(worst, float((target(inputs) - off(inputs)).abs().max()))
    return worst <= wanted


def matched_as_bounded(neurons: int, degree: int, width: int, error: float, trials: int = 2000) -> bool:
    """Return whether random layers contain neurons as often as theorem 2 says, up to three standard errors."""
    bound = chance([[degree] * neurons], [width], [error])
    share = matched(degree, neurons, width, error, trials, stream(0, "theorem 2", neurons, degree))
    return share >= bound - 3 * (bound * (1 - bound) / trials) ** 0.5
