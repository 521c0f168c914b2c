"""What of a module can be pruned: the weights of its linear layers and convolutions, or parameters by name."""

from collections.abc import Sequence

from torch import nn

from lottery.core.errors import LotteryError

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def prunable(module: nn.Module, only: Sequence[str] = (), except_: Sequence[str] = ()) -> dict[str, nn.Parameter]:
    """Return the weights that can be pruned, by the names of their parameters and in the module's order.

    `only` chooses among the weights of linear layers and convolutions, or names other parameters, such as those of
    `nn.LSTM`; `except_` leaves some out. Both have names of parameters ("0.weight") or of modules ("features"). A
    weight that layers share is there once. Raises for names that there are not, and for weights that are computed.
    """
    if isinstance(only, str) or isinstance(except_, str):
        raise LotteryError("only= and except_= are lists of names, such as ['0.weight']")
    parameters = dict(module.named_parameters())
    weights = _weights(module, parameters)
    names = {name for one in only for name in _named(one, parameters, weights)} if only else set(weights)
    names -= {name for one in except_ for name in _named(one, parameters, weights)}
    if computed := sorted(names - parameters.keys()):
        raise LotteryError(
            f"{computed[0]} is not a parameter but computed from others, by torch.nn.utils.prune, weight norm or "
            "another parametrisation; leave it out, or name in only= the parameters that it is computed from"
        )
    if not names:
        raise LotteryError("there is nothing to prune; give a module with linear layers or convolutions")
    return {name: values for name, values in parameters.items() if name in names}


def _weights(module: nn.Module, parameters: dict[str, nn.Parameter]) -> list[str]:
    """Return the names of the weights of all linear layers and convolutions, of parameters where they are any."""
    names = {id(values): name for name, values in parameters.items()}
    layers = [(path, part) for path, part in module.named_modules() if isinstance(part, LAYERS)]
    return [names.get(id(part.weight), f"{path}.weight" if path else "weight") for path, part in layers]


def _named(name: str, parameters: dict[str, nn.Parameter], weights: list[str]) -> list[str]:
    """Return the parameter of this name, or the weights in the module of this name; raise where there is neither."""
    found = [name] if name in parameters else [one for one in weights if f"{one}.".startswith(f"{name}.")]
    if not found:
        raise LotteryError(f"there is nothing to prune under {name!r}; the parameters are {', '.join(parameters)}")
    return found
