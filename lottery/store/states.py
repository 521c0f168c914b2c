"""The state of a user's function: everything beside its source that decides what it does, as plain data.

That is its code, closure and defaults, the globals that it reads, and the same of every function and class of the
user's own that it reaches. Functions of this package count by their source, installed ones by their names.
"""

import inspect
import types
from functools import cache
from typing import Any

from lottery.core.registry import Registry
from lottery.store.fingerprints import canonical, digest, source_digest
from lottery.store.sources import is_of_package, is_own, is_own_module
from lottery.store.values import Description, Plain


def state(function: types.FunctionType) -> dict[str, str]:
    """Return a hash for every part of a function's state, by a name for people; raise where a part has none."""
    return _State().parts_of(function)


class _State:
    def __init__(self) -> None:
        self._described = Description(self._code)
        self._parts: dict[str, Plain] = {}
        self._labels: dict[int, str] = {}  # of functions and classes, by identity

    def parts_of(self, function: types.FunctionType) -> dict[str, str]:
        self._code(function)
        return {name: digest(canonical(part)) for name, part in self._parts.items()}

    def _code(self, value: Any) -> Plain:
        """Return what stands for a function, a class or a module; its state becomes parts of their own."""
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__]
        if id(value) in self._labels:
            return ["defined", self._labels[id(value)]]
        name = value.__qualname__
        names = set(self._labels.values())
        label = (
            name
            if name not in names
            else next(f"{name} ({n})" for n in range(2, 10**6) if f"{name} ({n})" not in names)
        )
        self._labels[id(value)] = label
        if is_of_package(value):
            return ["suite", label, source_digest(value)]
        if isinstance(value, type):
            self._of_class(value, label)
        else:
            self._of_function(value, label)
        return ["defined", str(value.__module__), label]

    def _of_function(self, function: types.FunctionType, label: str) -> None:
        own = is_own(function.__code__.co_filename)
        self._parts[label] = _of_code(function.__code__) if own else function.__module__ or ""
        held = {f"the attribute {name}": value for name, value in vars(function).items()}
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                held[name] = cell.cell_contents
            except ValueError:  # nothing was put into it yet
                continue
        held |= {f"default {at} of": value for at, value in enumerate(function.__defaults__ or ())}
        held |= {f"the default {name}": value for name, value in (function.__kwdefaults__ or {}).items()}
        for name, value in held.items():
            self._parts[f"{name} in {label}"] = self._described.of(value, f"{name} in {label}")
        if own:
            self._of_globals(function)

    def _of_globals(self, function: types.FunctionType) -> None:
        """Describe the globals that a function reads, and what it reads of the user's own modules among them."""
        names = _names(function.__code__)
        for name in sorted(names & set(function.__globals__)):
            value = function.__globals__[name]
            self._global(value, name)
            if isinstance(value, types.ModuleType) and is_own_module(value):
                for attribute in sorted(names & set(vars(value))):
                    self._global(vars(value)[attribute], f"{name}.{attribute}")

    def _global(self, value: Any, name: str) -> None:
        if name not in self._parts and not isinstance(value, Registry):  # its functions count by `Source.fingerprint`
            self._parts[name] = ""  # circles end here
            self._parts[name] = self._described.of(value, name)

    def _of_class(self, kind: type, label: str) -> None:
        """Describe a class of the user's own, its bases, and what can be described of its attributes."""
        module = inspect.getmodule(kind)
        if not is_own_module(module):
            self._parts[label] = kind.__module__
            return
        held = {name: value for name, value in vars(kind).items() if not name.startswith("__") or callable(value)}
        self._parts[label] = [self._code(base) for base in kind.__bases__]
        for name, value in held.items():
            if not isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType)):
                self._parts[f"{label}.{name}"] = self._described.of(value, f"{label}.{name}")


@cache
def _names(code: types.CodeType) -> frozenset[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return frozenset(code.co_names).union(*map(_names, inner))


@cache
def _of_code(code: types.CodeType) -> Plain:
    constants = [_of_code(one) if isinstance(one, types.CodeType) else repr(one) for one in code.co_consts]
    return [code.co_code.hex(), list(code.co_names), list(code.co_varnames), sorted(constants, key=repr)]
