"""Holding masks: pruned weights of a module at zero, now, after a rewind, and after every step of training.

Weights are written to in place. The module has no further parameters, buffers or hooks: a copy of it, its `state_dict`
and what is saved of it are those of a module that was never pruned.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lottery.core.errors import LotteryError
from lottery.masks.mask import Masks, fitting
from lottery.masks.module_weights import prunable
from lottery.masks.starts import started


@torch.no_grad()
def apply(module: nn.Module, masks: Masks) -> None:
    """Set the pruned weights of a module to zero, in place; raise for masks of parameters that it has not."""
    for name, values in fitting(module, masks).items():
        values.masked_fill_(~masks[name].to(values.device), 0)


@torch.no_grad()
def rewind(module: nn.Module, initial: Mapping[str, Tensor], masks: Masks) -> None:
    """Set all parameters and buffers of a module to what they started from, and its pruned weights to zero, in place.

    `initial` is a `snapshot`, of the initialisation or of an early step. An optimiser keeps its momentum: make a new
    one. Raises where `initial` lacks anything, has it in another shape, or has the module's own tensors.
    """
    fitting(module, masks)
    now = {name: values for name, values in module.state_dict().items() if isinstance(values, Tensor)}
    for name, values in started(now, initial, now).items():
        now[name].copy_(values)
    apply(module, masks)


class Held:
    """Masks held through the steps of an optimiser, until `remove()` or the end of a `with` block."""

    def __init__(self, optimiser: Optimizer, pruned: Mapping[nn.Parameter, Tensor]):
        self._optimiser, self._pruned = optimiser, pruned
        self._hooks = [optimiser.register_step_pre_hook(self._before), optimiser.register_step_post_hook(self._after)]

    def remove(self) -> None:
        """Hold them no longer; pruned weights stay zero until something moves them."""
        for hook in self._hooks:
            hook.remove()

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.remove()

    @torch.no_grad()
    def _before(self, *_: Any) -> None:
        for values in self._pruned:
            if values.grad is not None:
                self._cut(values.grad, values)

    @torch.no_grad()
    def _after(self, *_: Any) -> None:
        for values in self._pruned:
            self._cut(values, values)
            for kept in self._optimiser.state.get(values, {}).values():
                if isinstance(kept, Tensor) and kept.shape == values.shape:
                    self._cut(kept, values)

    def _cut(self, tensor: Tensor, values: nn.Parameter) -> None:
        tensor.masked_fill_(self._pruned[values].to(tensor.device), 0)


def keep_pruned(optimiser: Optimizer, module: nn.Module, masks: Masks) -> Held:
    """Hold the pruned weights of a module at zero through every step of its optimiser, and return what undoes that.

    Before a step their gradients are set to zero, after it they and the optimiser's averages of them, so that neither
    momentum nor decay revives one; kept weights move as if nothing were held. They are zero from now on. Whoever clips
    gradients by their norm does so before, with all of them. Raises where the optimiser trains none of the masked
    weights, as one that was made for a copy of the module.
    """
    parameters = fitting(module, masks)
    trained = {id(values) for group in optimiser.param_groups for values in group["params"]}
    if masks and not any(id(values) in trained for values in parameters.values()):
        raise LotteryError("the optimiser trains none of the masked weights; make it of this module's parameters")
    apply(module, masks)
    return Held(optimiser, {values: ~masks[name].to(values.device) for name, values in parameters.items()})


def from_zeros(module: nn.Module, only: Sequence[str] = (), except_: Sequence[str] = ()) -> dict[str, Tensor]:
    """Return the masks of a module's weights that are not zero; which of them, `prunable` says."""
    return {name: values.detach() != 0 for name, values in prunable(module, only, except_).items()}


def from_torch(module: nn.Module) -> dict[str, Tensor]:
    """Return the masks that `torch.nn.utils.prune` holds in a module, under the names that its weights have without."""
    parameters, buffers = dict(module.named_parameters()), dict(module.named_buffers())
    names = [name.removesuffix("_orig") for name in parameters if name.endswith("_orig")]
    return {name: buffers[f"{name}_mask"].bool() for name in names if f"{name}_mask" in buffers}
