"""A mask: which weights a layer keeps, a bool tensor of its shape, True where one is kept; those of a network by name.

Names are those of a module's parameters, such as "0.weight", and shapes torch's own, though nothing here depends on it.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from lottery.core.errors import LotteryError

Masks = Mapping[str, Tensor]


def checked(mask: Tensor, name: str = "a mask") -> Tensor:
    """Return the mask as it is; raise where it is no bool tensor. Masks of `torch.nn.utils.prune` are floats."""
    if not isinstance(mask, Tensor):
        raise LotteryError(f"{name} is of type {type(mask).__name__}; a mask is a bool tensor, True where one is kept")
    if mask.dtype != torch.bool:
        raise LotteryError(f"{name} is a tensor of {mask.dtype}; a mask is a bool tensor, convert it with mask.bool()")
    return mask


def alike(masks: Sequence[Tensor]) -> list[Tensor]:
    """Return masks of one layer as a list; raise where there is none, and where their shapes differ."""
    found = [checked(mask) for mask in masks]
    shapes = list(dict.fromkeys(tuple(mask.shape) for mask in found))
    if not found:
        raise LotteryError("there is no mask; give at least one")
    if len(shapes) > 1:
        raise LotteryError(
            f"masks of shapes {', '.join(map(str, shapes))} have no places in common; give masks of one layer"
        )
    return found


def shared(networks: Sequence[Masks]) -> list[str]:
    """Return the names that all networks have with the same shape, in the first one's order; raise where there is none.

    A head for another number of classes has another shape, and is thereby left out of every comparison.
    """
    if not networks:
        raise LotteryError("there are no masks; give those of at least one network")
    first, *others = networks
    for network in networks:
        for name, mask in network.items():
            checked(mask, f"the mask of {name!r}")
    names = [
        name
        for name, mask in first.items()
        if all(name in other and other[name].shape == mask.shape for other in others)
    ]
    if not names:
        listed = "; ".join(
            ", ".join(f"{name} {tuple(mask.shape)}" for name, mask in one.items()) for one in networks[:2]
        )
        raise LotteryError(f"no layer has the same name and shape in all networks: {listed}")
    return names


def fitting(module: nn.Module, masks: Masks) -> dict[str, nn.Parameter]:
    """Return the parameters of a module that masks are of, by name; raise where it has none of that name and shape."""
    parameters = dict(module.named_parameters())
    for name, mask in masks.items():
        checked(mask, f"the mask of {name!r}")
        if name not in parameters:
            raise LotteryError(f"the module has no parameter {name!r}; it has {', '.join(parameters) or 'none'}")
        if parameters[name].shape != mask.shape:
            shapes = f"{tuple(mask.shape)} for a parameter of shape {tuple(parameters[name].shape)}"
            raise LotteryError(f"the mask of {name!r} has shape {shapes}")
    return {name: parameters[name] for name in masks}
