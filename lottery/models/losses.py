"""Losses by name: the slope of a batch's mean loss in the network's outputs, written into the outputs' own memory."""

from collections.abc import Callable

import torch
from torch import Tensor

from lottery.models.task import CROSS_ENTROPY, SQUARED_ERROR

OF_SOFTMAX = " of softmax"  # the loss after a softmax of the outputs, as Fischer & Burkholz's code has it


def _softmax(outputs: Tensor) -> Tensor:
    # by hand: torch's is several times slower along an axis of ten
    outputs.sub_(outputs.amax(2, keepdim=True)).exp_()
    outputs /= outputs.sum(2, keepdim=True)
    return outputs


def cross_entropy(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the slope (R, B, classes) of the mean cross-entropy of softmax(outputs) with one-hot classes `wanted`."""
    error = _softmax(outputs)
    error -= wanted
    error *= 1 / outputs.shape[1]
    return error


def squared_error(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the slope (R, B, outputs) of the squared error, as the mean over batch and outputs."""
    error = outputs.sub_(wanted)
    error *= 2 / (outputs.shape[1] * outputs.shape[2])
    return error


def after_softmax(loss: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the slope of a loss of softmax(outputs)."""

    def slope(outputs: Tensor, wanted: Tensor) -> Tensor:
        chances = _softmax(outputs)
        error = loss(chances.clone(), wanted)
        return chances.mul_(error - (chances * error).sum(2, keepdim=True))

    return slope


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {CROSS_ENTROPY: cross_entropy, SQUARED_ERROR: squared_error}
LOSSES |= {name + OF_SOFTMAX: after_softmax(loss) for name, loss in LOSSES.items()}


def wanted(observed: Tensor, outputs: Tensor) -> Tensor:
    """Return what was observed, classes or values, in the shape of the outputs (R, B, O), classes one-hot."""
    if not observed.is_floating_point():
        observed = (observed.unsqueeze(-1) == torch.arange(outputs.shape[2], device=outputs.device)).to(outputs)
    return observed.view_as(outputs)


def mean_loss(name: str, outputs: Tensor, observed: Tensor) -> Tensor:
    """Return the mean loss of outputs (B, outputs), with autograd: of classes (B,) or of values (B, outputs)."""
    if name == CROSS_ENTROPY:
        return torch.nn.functional.cross_entropy(outputs, observed)
    return torch.nn.functional.mse_loss(outputs, observed)
