"""Counting: how much of a module masks prune, as they say and as it comes to."""

from typing import Any

from torch import nn

from lottery.masks.effective import effective
from lottery.masks.mask import Masks, checked, fitting


def sparsity(
    masks: Masks, module: nn.Module | None = None, inputs: tuple[int, ...] | None = None, from_inputs: bool = False
) -> dict[str, dict[str, Any]]:
    """Return what masks keep of each weight, of all together ("total") and of the whole module ("module").

    Each has "kept" and "size", numbers of weights, and "sparsity", the share that is pruned, 0 where there is none.
    "module" needs the module; it counts all parameters, biases and what is never pruned included. Given the shape of
    one input too, "effective" is the number that an output depends on, at most "kept", and "effective_sparsity" the
    share that this leaves (`lottery/masks/effective.py`): pruning cuts off weights that it does not prune.
    """
    for name, mask in masks.items():
        checked(mask, f"the mask of {name!r}")
    counts = {name: [int(mask.count_nonzero()), mask.numel()] for name, mask in masks.items()}
    if module is not None and inputs is not None:
        for name, mask in effective(module, masks, inputs, from_inputs).items():
            counts[name].append(int(mask.count_nonzero()))
    totals = [sum(column) for column in zip(*counts.values())]
    found = counts | {"total": totals or [0, 0]}
    if module is not None:
        fitting(module, masks)
        size = sum(values.numel() for values in module.parameters())
        rest = size - found["total"][1]
        kept, _, *reached = found["total"]
        found["module"] = [kept + rest, size, *(one + rest for one in reached)]
    return {name: _row(*numbers) for name, numbers in found.items()}


def _row(kept: int, size: int, reached: int | None = None) -> dict[str, Any]:
    row = {"kept": kept, "size": size, "sparsity": 1 - kept / size if size else 0.0}
    if reached is not None:
        row |= {"effective": reached, "effective_sparsity": 1 - reached / size if size else 0.0}
    return row
