"""Treatments of users: `--treatment NAME=FILE.py:FUNCTION` makes a function of theirs a treatment under NAME.

NAME alone is one of the suite's. One that returns numbers says from which values kept weights start (`kept_values`).
One that returns truth values says where weights start at zero, pruned ones to be frozen there, all others at their
initial value (`pruned_values`). It asks by name for what either gets; what it asks for decides which it is, and where
that does not, what it returns.
"""

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.registry import Registry, check_named, no_default
from lottery.core.rng import stream
from lottery.masks.kept_values import TREATMENTS
from lottery.masks.own_code import OwnFunction, Unusable, target
from lottery.masks.pruned_values import PRUNED
from lottery.masks.surroundings import kept
from lottery.store.fingerprints import listed
from lottery.store.places import raised

FINGERPRINTS: dict[str, str] = {}  # of users' treatments by name: what names their results beside the name
EXAMPLE = "mine=mine.py:start"
KEPT, FROZEN = "kept", "pruned"  # the weights that a treatment speaks of
OF = {KEPT: TREATMENTS, FROZEN: PRUNED}
SHAPES = {"a linear layer": (12, 7), "a convolution": (6, 3, 3, 4)}
GLOBAL = "it draws from global random numbers, which begin anew in every seed, round and layer; ask for `generator`"
Check = Callable[[object, Tensor], Tensor]


def load(option: str) -> str:
    """Register the treatment that an option points to and return its name; raise if there is none, or a wrong one."""
    known = {*TREATMENTS, *PRUNED}
    if option in known:
        return option
    try:
        if "=" not in option:
            near = ", ".join(get_close_matches(option, known, 3) or sorted(known))
            raise LotteryError(f"write it as NAME=FILE.py:FUNCTION, for example {EXAMPLE}, or name one of {near}")
        of = target(option, EXAMPLE, known, "treatment")
        function = OwnFunction(of, "treatment")
        weights = _weights(function)
        OF[weights].add(of.name, _treatment(of.name, function, CHECKS[weights]))
        FINGERPRINTS[of.name] = function.fingerprint
        try:
            _check(of.name, OF[weights])
        except LotteryError:
            forget(of.name)
            raise
    except LotteryError as error:
        raise LotteryError(f"--treatment {option}: {error}") from None
    return of.name


def forget(name: str) -> None:
    """Take a user's treatment from the registers; the suite's own stay."""
    if FINGERPRINTS.pop(name, None) is not None:
        for registry in OF.values():
            registry.pop(name, None)


def weights_of(name: str) -> str:
    """Return of which weights a treatment speaks, KEPT or FROZEN."""
    return FROZEN if name in PRUNED else KEPT


def remarks(name: str) -> list[str]:
    """Return remarks on a user's treatment: what may be meant and breaks no contract; none on the suite's."""
    if name not in FINGERPRINTS:
        return []
    registry = OF[weights_of(name)]
    return [f"treatment {name!r}: {GLOBAL}"] if _draws_globally(name, registry) else []


def _weights(function: OwnFunction) -> str:
    """Return of which weights a function speaks; raise where it asks for what there is not, or for both."""
    asked = _asked(function)
    can = [weights for weights, registry in OF.items() if all(name in registry.arguments for name in asked)]
    if len(can) == 1:
        return can[0]
    if can:
        layer = _layer(SHAPES["a linear layer"])
        returned = _guarded("it", function, {name: layer[name] for name in asked}, 0)
        return FROZEN if isinstance(returned, Tensor) and returned.dtype == torch.bool else KEPT
    ours = no_default(function.function, {name for registry in OF.values() for name in registry.arguments})
    raise LotteryError(f"{function.function.__qualname__} asks for {', '.join(asked)}; {_offered()}{ours}")


def _offered() -> str:
    lists = "; ".join(f"of {weights} weights, {', '.join(registry.arguments)}" for weights, registry in OF.items())
    return f"a treatment can ask for one of these lists: {lists}"


def _asked(function: OwnFunction) -> tuple[str, ...]:
    name = function.function.__qualname__
    try:
        check_named(function.function, _offered())
        return tuple(inspect.signature(function.function).parameters)
    except (TypeError, ValueError) as error:
        raise LotteryError(f"{name} does not say what it asks for: {error}") from None
    except LotteryError as error:
        raise LotteryError(f"{name} {error}") from None


def _treatment(name: str, function: OwnFunction, checked: Check) -> Callable:
    """Return a user's function as a treatment to be registered: it gets copies, and what it returns is checked."""
    asked = _asked(function)

    @listed  # keys name it by its fingerprint
    def own(**arguments: Any) -> Tensor:
        given = {argument: arguments[argument] for argument in asked}
        copies = {argument: value.clone() if isinstance(value, Tensor) else value for argument, value in given.items()}
        returned = _guarded(f"treatment {name!r}", function, copies, arguments["generator"].initial_seed())
        for argument, value in given.items():
            if isinstance(value, Tensor) and not torch.equal(value, copies[argument]):
                wrong = f"changes `{argument}` in place; take a copy first, {argument} = {argument}.clone()"
                raise LotteryError(f"treatment {name!r} {wrong}")
        try:
            return checked(returned, arguments["mask"])
        except Unusable as error:
            raise LotteryError(f"treatment {name!r} {error}") from None

    parameters = [inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY) for one in _with(asked, "mask", "generator")]
    own.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    own.asked = asked  # type: ignore[attr-defined]  # by the user's function, where it itself takes more
    return own


def _with(asked: tuple[str, ...], *more: str) -> list[str]:
    return list(dict.fromkeys((*asked, *more)))


def _guarded(name: str, function: OwnFunction, given: Mapping[str, Any], seed: int) -> object:
    """Return what a function makes of its arguments; global random numbers begin at `seed`."""
    try:
        with kept(seed):
            return function(**given)
    except KeyboardInterrupt:
        raise
    except Unusable as error:
        raise LotteryError(f"{name} {error}") from error
    except BaseException as error:  # whatever it raises, an exit or a skipped test, concerns its own claims alone
        raise LotteryError(f"{name} {raised(error)}") from error


def _tensor(returned: object, mask: Tensor, wanted: str) -> Tensor:
    wanted = f"for a layer of shape {tuple(mask.shape)}; it must return {wanted}"
    if not isinstance(returned, Tensor):
        raise Unusable(f"returned {type(returned).__name__} {wanted}")
    if returned.layout != torch.strided or returned.is_quantized or returned.is_complex():
        raise Unusable(f"returned a tensor of {returned.dtype}, {returned.layout} {wanted}")
    if returned.shape != mask.shape or returned.device != mask.device:
        raise Unusable(f"returned {tuple(returned.shape)} on {returned.device} {wanted}")
    return returned.detach().as_subclass(Tensor)


def _values(returned: object, mask: Tensor) -> Tensor:
    """Return a copy of the values of kept weights as float32; raise where there are none, or one is not finite."""
    values = _tensor(returned, mask, "a real number for each weight")
    if values.dtype == torch.bool:
        raise Unusable("returned truth values, and asks for what treatments of kept weights get; return numbers")
    values = values.to(torch.float32, copy=True)
    if not torch.isfinite(values[mask]).all():
        raise Unusable("returned values of kept weights that are not finite; networks could not start from them")
    return values


def _zeros(returned: object, mask: Tensor) -> Tensor:
    """Return a copy of where weights start at zero."""
    zeros = _tensor(returned, mask, "True or False for each weight")
    if zeros.dtype != torch.bool:
        raise Unusable(f"returned {zeros.dtype}; of pruned weights it must return where they start at zero, as bool")
    return zeros.clone()


CHECKS: dict[str, Check] = {KEPT: _values, FROZEN: _zeros}


def _check(name: str, registry: Registry) -> None:
    """Raise where a treatment breaks its contract on made-up layers, before anything is trained."""
    for shape_name, shape in SHAPES.items():
        try:
            one, other = (registry.call(name, **_layer(shape)) for _ in range(2))
            if not torch.equal(one, other):
                what = "returns other values when it is asked again; it must depend on its arguments alone"
                raise LotteryError(f"treatment {name!r} {what}: for chance, ask for `generator`")
        except LotteryError as error:
            raise LotteryError(
                f"{error} (found on made-up weights of {shape_name}, before anything was trained)"
            ) from None


def _draws_globally(name: str, registry: Registry) -> bool:
    """Return whether a treatment that asks for no generator returns other values where global numbers are others."""
    if "generator" in registry[name].asked:  # type: ignore[attr-defined]
        return False
    layer = _layer(SHAPES["a linear layer"])
    others = layer | {"generator": stream(0, "contract of treatments", "another stream")}
    return not torch.equal(registry.call(name, **layer), registry.call(name, **others))


def _layer(shape: tuple[int, ...]) -> dict[str, Any]:
    """Return all that a treatment can ask for, of a layer of made-up weights."""
    draw = stream(0, "contract of treatments", *shape)
    w_init, w_start, w_final = (torch.randn(shape, generator=draw) for _ in range(3))
    before = torch.rand(shape, generator=draw) < 0.7
    mask = before & (torch.rand(shape, generator=draw) < 0.7)
    shrank = before & (w_final.abs() < w_start.abs())
    return {
        "w_init": w_init,
        "w_start": torch.where(before, w_start, 0.0),
        "mask": mask,
        "newly": before & ~mask,
        "shrank": shrank,
        "grew": before & ~shrank,
        "was_zero": ~before,
        "initialiser": lambda generator: torch.randn(shape, generator=generator),
        "generator": stream(0, "contract of treatments"),
    }
