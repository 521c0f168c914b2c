"""Arguments of the library of masks: one of a wrong type is told in one message, before anything is computed.

The suite calls the same functions without this, which is why it stands around them and not in them.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import wraps
from inspect import Parameter, signature
from numbers import Integral, Real
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lottery.core.errors import LotteryError
from lottery.core.errors import told as error_told
from lottery.masks.mask import Masks

WORDS: dict[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    Fraction: "a fraction",
    str: "a text",
    Tensor: "a tensor",
    Masks: "a dict from names of parameters to tensors",
    nn.Module: "a module",
    Optimizer: "an optimiser",
    torch.Generator: "a torch.Generator",
    os.PathLike: "a path",
    Callable: "a function",
    type(None): "None",
}
WIDER: dict[Any, Any] = {bool: (Integral, np.bool_), int: Integral, float: Real}  # what does as one, numpy's too


def told(function: Callable, name: str) -> Callable:
    """Return the function, by its name in the library; it raises one message for arguments of wrong types."""
    hints, asked = get_type_hints(function), signature(function)
    call = f"lottery.masks.{name}({', '.join(asked.parameters)})"

    @wraps(function)
    def checked(*given: Any, **named: Any) -> Any:
        try:
            bound = asked.bind(*given, **named)
        except TypeError:  # too many or too few, of which Python tells as it does of any function
            return function(*given, **named)
        for argument, value in bound.arguments.items():
            if asked.parameters[argument].kind == Parameter.VAR_KEYWORD:
                continue
            bound.arguments[argument] = value = list(value) if isinstance(value, Iterator) else value
            if wrong := _wrong(value, hints.get(argument, Any), argument):
                raise LotteryError(f"{call}: {wrong}")
        try:
            return function(*bound.args, **bound.kwargs)
        except ValueError as error:  # lists that should be of one length
            raise LotteryError(f"{call}: {error_told(error)}") from error

    checked.__module__, checked.__qualname__ = "lottery.masks", name  # where pickle finds it
    return checked


def _wrong(value: Any, hint: Any, where: str) -> str:
    """Return what is wrong with a value or something in it, by the annotation of what it should be."""
    if get_origin(hint) in (Union, UnionType):
        found = [_wrong(value, one, where) for one in get_args(hint)]
        within = [wrong for wrong in found if not wrong.startswith(f"{where} is ")]
        return "" if "" in found else within[0] if within else _told(value, hint, where)
    if not _fits(value, hint):
        return _told(value, hint, where)
    for place, one, kind in _parts(value, hint):
        if wrong := _wrong(one, kind, f"{where}[{place!r}]"):
            return wrong
    return ""


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of the kind that is asked for, whatever is in it."""
    origin = get_origin(hint) or hint
    if origin is Any:
        return True
    if origin in (Sequence, tuple):
        within = get_args(hint)
        if isinstance(value, Tensor):
            many = value.dim() > 0
        elif isinstance(value, (str, bytes)):
            return within == (str,)  # which the function tells of itself
        else:
            many = isinstance(value, Collection) and not isinstance(value, (Mapping, nn.Module))
        return many and (origin is Sequence or ... in within or len(value) == len(within))
    return isinstance(value, WIDER.get(origin, origin))


def _parts(value: Any, hint: Any) -> list[tuple[object, Any, Any]]:
    """Return what is in a value, each with its place and its annotation."""
    kinds = get_args(hint)
    if get_origin(hint) is Mapping:
        return [(name, of, kinds[1]) for name, of in value.items()]
    if get_origin(hint) not in (Sequence, tuple) or (isinstance(value, Tensor) and kinds[0] is Tensor):
        return []
    each = kinds if get_origin(hint) is tuple and ... not in kinds else [kinds[0]] * len(value)
    return [(place, one, kind) for place, (one, kind) in enumerate(zip(value, each))]


def _told(value: Any, hint: Any, where: str) -> str:
    return f"{where} is of type {type(value).__name__}, and should be {_words(hint)}"


def _words(hint: Any) -> str:
    """Return an annotation in words."""
    origin, within = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(_words, within))
    if origin is Sequence:
        return f"a list, each {_words(within[0])}"
    if origin is tuple:
        number = "" if ... in within else f" of {len(within)}"
        return f"a tuple{number}, each {_words(within[0])}"
    return WORDS.get(hint) or WORDS.get(origin) or str(hint)
