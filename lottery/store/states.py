"""The state of a user's function: everything beside its source that decides what it does, as plain data.

That is its code, closure and defaults, the globals that it reads, and the same of every function and class of the
user's own that it reaches. Functions of this package count by their source, installed ones by their names.
"""

import enum
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from lottery.core.registry import Registry
from lottery.store.fingerprints import canonical, digest, source_digest
from lottery.store.sources import is_of_package, is_own, is_own_module
from lottery.store.values import Description, Plain


def state(function: types.FunctionType, modules: Mapping[str, types.ModuleType]) -> dict[str, str]:
    """Return a hash for every part of a function's state, by a name for people; raise where a part has none.

    `modules` are the user's own, by their full names.
    """
    return _State(modules).parts_of(function)


class _State:
    def __init__(self, modules: Mapping[str, types.ModuleType]):
        self._modules = modules
        self._described = Description(self._code)
        self._parts: dict[str, Plain] = {}
        self._labels, self._scopes = _Labels(), _Labels()

    def parts_of(self, function: types.FunctionType) -> dict[str, str]:
        self._scopes.add(function.__globals__, "")
        self._code(function)
        return {name: digest(canonical(part)) for name, part in self._parts.items()}

    def _code(self, value: Any) -> Plain:
        """Return what stands for a function, a class or a module; its state becomes parts of their own."""
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__]
        if value in self._labels:
            return ["defined", self._labels.of(value)]
        label = self._labels.add(value, value.__qualname__)
        if is_of_package(value):
            return ["suite", label, source_digest(value)]
        if isinstance(value, type):
            self._of_class(value, label)
        else:
            self._of_function(value, label)
        return ["defined", str(value.__module__), label]

    def _of_function(self, function: types.FunctionType, label: str) -> None:
        own = is_own(function.__code__.co_filename)
        self._parts[f"the code of {label}"] = _of_code(function.__code__) if own else function.__module__ or ""
        held = {f"the attribute {name}": value for name, value in vars(function).items()}
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                held[name] = cell.cell_contents
            except ValueError:  # nothing was put into it yet
                continue
        held |= {f"the default {at}": value for at, value in enumerate(function.__defaults__ or ())}
        held |= {f"the default {name}": value for name, value in (function.__kwdefaults__ or {}).items()}
        self._hold(held, label)
        if own:
            self._of_globals(function)

    def _of_class(self, kind: type, label: str) -> None:
        """Describe a class of the user's own, what it is made from, and its attributes; another counts by its name."""
        if not is_own_module(self._modules.get(str(kind.__module__))):
            self._parts[f"the class {label}"] = kind.__module__
            return
        self._parts[f"the class {label}"] = [self._code(made_from) for made_from in (type(kind), *kind.__bases__)]
        self._hold({f"the attribute {name}": value for name, value in _attributes(kind).items()}, label)

    def _hold(self, held: Mapping[str, Any], label: str) -> None:
        for name, value in held.items():
            self._parts[f"{name} in {label}"] = self._described.of(value, f"{name} in {label}")

    def _of_globals(self, function: types.FunctionType) -> None:
        """Describe the globals that a function reads, and what it reads of the user's own modules."""
        names = sorted(_names(function.__code__))
        for scope in (function.__globals__, *map(vars, self._reached(function, names))):
            for name in names:
                if name in scope:
                    self._global(scope, name)

    def _reached(self, function: types.FunctionType, names: list[str]) -> list[types.ModuleType]:
        """Return the user's own modules that a function gets at.

        They are among its globals, among what it imports when it is called, and among the attributes of these.
        """
        words = {word for name in names for word in name.split(".")}
        imported = [module for name, module in self._modules.items() if name.rpartition(".")[2] in words]
        found: dict[int, types.ModuleType] = {}
        met = [*imported, *_among(function.__globals__, names)]
        while met:
            module = met.pop()
            if id(module) not in found:
                found[id(module)] = module
                met += _among(vars(module), names)
        return sorted(found.values(), key=lambda module: module.__name__)

    def _global(self, scope: dict[str, Any], name: str) -> None:
        where = self._scopes.add(scope, str(scope.get("__name__", "")))
        part = f"the global {where}.{name}" if where else f"the global {name}"
        if part not in self._parts and not isinstance(scope[name], Registry):  # `Source.fingerprint` has its functions
            self._parts[part] = ""  # circles end here
            self._parts[part] = self._described.of(scope[name], part)


class _Labels:
    """Names for people, another one for each object; what has one is kept alive, so that its identity stays its own."""

    def __init__(self) -> None:
        self._given: dict[int, tuple[str, object]] = {}
        self._counts: dict[str, int] = {}

    def __contains__(self, value: object) -> bool:
        return id(value) in self._given

    def of(self, value: object) -> str:
        return self._given[id(value)][0]

    def add(self, value: object, name: str) -> str:
        """Return the name of an object: this one, with a number if others bear it, unless it has one already."""
        if value not in self:
            self._counts[name] = count = self._counts.get(name, 0) + 1
            self._given[id(value)] = (name if count == 1 else f"{name} ({count})"), value
        return self.of(value)


def _among(scope: dict[str, Any], names: list[str]) -> list[types.ModuleType]:
    """Return the user's own modules among some names of a module."""
    values = [scope[name] for name in names if name in scope]
    return [value for value in values if isinstance(value, types.ModuleType) and is_own_module(value)]


def _attributes(kind: type) -> dict[str, Any]:
    """Return what a class was given, without what Python notes in it, some of that not before it is used."""
    held = {
        name: value
        for name, value in vars(kind).items()
        if (_is_method(value) or not name.startswith("__")) and not _is_slot(value) and name != "_abc_impl"
    }
    if issubclass(kind, enum.Enum):
        noted = {name for name, value in held.items() if name[0] == name[-1] == "_" and not _is_method(value)}
        # their values and attributes: how a member itself is pickled says nothing of them before Python 3.11.4
        members = {
            name: {of: value for of, value in vars(member).items() if of not in ("__objclass__", "_sort_order_")}
            for name, member in kind.__members__.items()
        }
        return {"members": members} | {name: held[name] for name in held if name not in noted and name not in members}
    made = getattr(held.get("__init__"), "__qualname__", "")
    if Protocol in kind.__mro__ and made != f"{kind.__qualname__}.__init__":
        held.pop("__init__", None)  # put there when the first object is made
    return held


def _is_slot(value: object) -> bool:
    """Return whether an attribute only says where objects hold a value; `_fields_` has those of a ctypes.Structure."""
    slots = (types.MemberDescriptorType, types.GetSetDescriptorType)
    return isinstance(value, slots) or type(value).__name__ == "CField"


def _is_method(value: object) -> bool:
    return callable(value) or isinstance(value, (classmethod, property))


@cache
def _names(code: types.CodeType) -> frozenset[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return frozenset(code.co_names).union(*map(_names, inner))


@cache
def _of_code(code: types.CodeType) -> Plain:
    described = Description(lambda constant: [])  # no constant is a function, a class or a module
    constants = [
        _of_code(one) if isinstance(one, types.CodeType) else described.of(one, f"a constant of {code.co_qualname}")
        for one in code.co_consts
    ]
    counts = [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags]
    names = [code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars]
    return [code.co_code.hex(), code.co_exceptiontable.hex(), constants, counts, list(map(list, names))]
