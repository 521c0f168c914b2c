"""Effective masks: the weights through which something gets to an output. Paganini & Forde 2020, appendix C.

Pruning cuts off weights that it does not prune: those that lead to units from which nothing leads on. They get no
gradient. That is a question of which weights there are, not of their values, and is answered by one pass (`Reach`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lottery.core.errors import LotteryError, told
from lottery.masks.mask import Masks, fitting
from lottery.masks.reach import Reach, tensors


@torch.enable_grad()
def effective(module: nn.Module, masks: Masks, inputs: tuple[int, ...], from_inputs: bool = False) -> dict[str, Tensor]:
    """Return the masks of the kept weights that an output depends on.

    `inputs` is the shape of one input, without the batch. With `from_inputs`, an input has to reach the weight as well.
    A weight of a kernel that only ever meets padding is cut off, too. A layer without a mask is whole, biases are no
    way, and normalisation over a batch keeps channels apart.

    It takes a pass of the module in evaluation mode on the processor, with numbers of its own in place of parameters,
    and leaves the module as it was; its weights may be on any device, "meta" too. Raises for a mask that is of none of
    its parameters, for inputs that it cannot compute with, and for what cannot be followed, such as attention.
    """
    fitting(module, masks)
    weights = {name: mask.to("cpu", torch.float64).requires_grad_() for name, mask in masks.items()}
    nothing = torch.zeros(()) + sum(weight.sum() * 0 for weight in weights.values())  # no output may depend on any
    reached = sum((output.sum() for output in tensors(_outputs(module, weights, inputs, from_inputs))), nothing)
    slopes = torch.autograd.grad(reached, list(weights.values())) if weights else ()
    return {name: mask & (slope > 0).to(mask.device) for (name, mask), slope in zip(masks.items(), slopes)}


def _outputs(module: nn.Module, weights: Masks, inputs: tuple[int, ...], from_inputs: bool) -> Any:
    """Return what the module makes of an input that is alive everywhere."""
    ones = {name: torch.ones(of.shape, dtype=torch.float64) for name, of in module.named_parameters()}
    buffers = {name: torch.zeros_like(of, device="cpu") if of.is_meta else of.detach().cpu().clone()
               for name, of in module.named_buffers()}  # fmt: skip
    alive = torch.ones((1, *inputs), dtype=torch.float64, requires_grad=True).clone()  # no leaf: it may be written to
    try:
        with _evaluating(module), Reach(from_inputs):
            return functional_call(module, ones | buffers | dict(weights), (alive,))
    except LotteryError:
        raise
    except Exception as error:
        raise LotteryError(f"the module cannot compute with an input of shape {inputs}: {told(error)}") from error


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode meanwhile, each part of it."""
    training = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, was in training.items():
            part.training = was
