"""Mutations: a piece of a function's source replaced, whoever calls it, for as long as a test needs."""

import contextlib
import functools
import inspect
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def code_of(function: Callable, old: str, new: str) -> types.CodeType:
    """Return the code of a function, a method or a property's getter in which `old`, which it has once, is `new`."""
    file = inspect.getsourcefile(function)
    whole, own = Path(file).read_text(encoding="utf-8"), inspect.getsource(function)
    assert own.count(old) == 1 and whole.count(own) == 1, f"{function.__qualname__} has {old!r} {own.count(old)} times"
    module = compile(whole.replace(own, own.replace(old, new)), file, "exec", dont_inherit=True)
    found, inner = [], [module]
    while inner:
        code = inner.pop()
        inner += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        found += [code] if code.co_qualname == function.__qualname__ else []
    return found[0]


@contextlib.contextmanager
def mutated(function: Callable, old: str, new: str) -> Iterator[None]:
    """Run what is within with the mutation in place: whoever has the function by whatever name calls it so."""
    function = inspect.unwrap(function)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(function, "__code__", code_of(function, old, new))
        yield


def called(law: Callable, request: pytest.FixtureRequest, **arguments: object) -> None:
    """Call a test as pytest would: with these arguments, and the fixtures that it asks for beside them."""
    asked = [name for name in inspect.signature(law).parameters if name not in arguments]
    functools.partial(law, **{name: request.getfixturevalue(name) for name in asked})(**arguments)
