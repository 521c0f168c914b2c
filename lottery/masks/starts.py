"""What a module started from: a copy of its parameters and buffers, which pruned networks are rewound to."""

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from lottery.core.errors import LotteryError


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the module's parameters and buffers, by name; `state_dict` gives the tensors themselves."""
    state = module.state_dict()
    return {name: values.detach().clone() for name, values in state.items() if isinstance(values, Tensor)}


def started(now: Mapping[str, Tensor], initial: Mapping[str, Tensor] | None, names: Iterable[str]) -> dict[str, Tensor]:
    """Return the initial values of these names; raise where one is missing, has another shape, or is not a copy.

    `now` has the module's own tensors. One that shares memory with them changed whenever they did.
    """
    if initial is None:
        raise LotteryError("the initial weights are needed; give initial=snapshot(module), taken before training")
    found = {}
    for name in names:
        if name not in initial:
            raise LotteryError(f"initial has no {name!r}; take it by snapshot(module) before training")
        if initial[name].shape != now[name].shape:
            shapes = f"{tuple(initial[name].shape)}, and now {tuple(now[name].shape)}"
            raise LotteryError(f"{name!r} has shape {shapes}; take initial from this module")
        if initial[name].numel() and initial[name].data_ptr() == now[name].data_ptr():
            raise LotteryError(
                f"initial has the module's own {name!r}, which training changed; take it by snapshot(module), "
                "or copy what state_dict() gives"
            )
        found[name] = initial[name].detach()
    return found
