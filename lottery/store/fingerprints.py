"""Fingerprints of science: of a function's normalised source with everything it uses, and of plain data."""

import ast
import builtins
import hashlib
import inspect
import json
import textwrap
import types
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from lottery.store.values import Description

Used = TypeVar("Used")
PACKAGE = Path(__file__).resolve().parents[1]


def canonical(value: object) -> str:
    """Return the canonical JSON of plain data: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """Return a short hash of a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def mark(value: object) -> str:
    """Return eight hexadecimal digits of plain data: enough to tell whether one thing is another than it was."""
    return hashlib.blake2b(canonical(value).encode(), digest_size=4).hexdigest()


def listed(value: Used) -> Used:
    """Return a function or class, marked to count only where it is asked for itself, not where it is merely used.

    Such are the engine, which has a declared version, and what only some users' results depend on: those list it.
    """
    value.__listed__ = True  # type: ignore[attr-defined]
    return value


@cache
def source_digest(*functions: Callable) -> str:
    """Return a hash of the functions' normalised source, with the helpers, classes and constants they use.

    Comments, docstrings, layout, annotations, error messages and registering decorators do not count. What a function
    holds beside its source counts: its closure, the defaults that it was given, the wrappers around it. Helpers are
    followed through this package and the function's own file, not into libraries.
    """
    if len(functions) == 1:
        return digest(canonical(sources(functions[0])))
    seen: dict[str, str] = {}
    for function in functions:
        _visit(function, seen)
    return digest(canonical(seen))


@cache
def sources(function: Callable) -> dict[str, str]:
    """Return what `source_digest` counts of a function: its normalised source, and that of all it uses, by name.

    A constant's name is that of its user and its own, with a colon between; its source is its value.
    """
    seen: dict[str, str] = {}
    _visit(function, seen)
    return seen


def _own(value: Any, files: tuple[Path, ...]) -> bool:
    try:
        file = Path(inspect.getfile(value)).resolve()
    except (TypeError, OSError):
        return False
    return file in files or PACKAGE in file.parents


@cache
def _normalised(value: Any) -> tuple[ast.AST, str]:
    """Return the tree and the text of a function's source without what does not count, read once for all digests."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            node.exc = node.cause = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            node.decorator_list = []
            if isinstance(node, ast.FunctionDef):
                node.returns = None
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return tree, ast.unparse(tree)  # the same text under every version of Python, as far as there is one


def _visit(value: Any, seen: dict[str, str], above: tuple[int, ...] = ()) -> str:
    """Put a function or class and all that it uses among those seen; return the name that it has there."""
    outer, value = value, inspect.unwrap(value)
    files = (Path(inspect.getfile(value)).resolve(),)
    held = [] if "__listed__" in vars(outer) else _held(outer, files, seen, (*above, id(outer)))
    name = f"{value.__module__}.{value.__qualname__}" + (f" {digest(canonical(held))}" if held else "")
    if name in seen:
        return name
    tree, seen[name] = _normalised(value)
    module = inspect.getmodule(value)
    scope = vars(module) if module else getattr(value, "__globals__", {})
    for used, found in _used(tree, scope):
        if isinstance(found, (types.FunctionType, type)) or hasattr(found, "__wrapped__"):
            if _own(inspect.unwrap(found), files) and "__listed__" not in vars(found):
                _visit(found, seen)
        elif _plain(found):
            seen[f"{name}:{used}"] = repr(sorted(found) if isinstance(found, (set, frozenset)) else found)
    return name


def _held(value: Any, files: tuple[Path, ...], seen: dict[str, str], above: tuple[int, ...]) -> list[Any]:
    """Return what a function that another one made holds, and the source and holdings of the wrappers around it.

    Functions and classes of this package that it holds do not count here: keys list them.
    """
    described, held = Description(lambda used: _named(used, files, seen, above)), []
    while isinstance(value, types.FunctionType):
        inner, file = getattr(value, "__wrapped__", None), Path(value.__code__.co_filename).resolve()
        if file in files or PACKAGE in file.parents:
            if inner is not None:
                held.append(_normalised(value.__code__)[1])
            given = (value.__defaults__, value.__kwdefaults__) if "<locals>" in value.__qualname__ else ()
            for part in (*_contents(value), *given):
                if part is not None and part is not inner and not _of_package(part):
                    held.append(described.of(part, f"what {value.__qualname__} holds"))
        value = inner
    return held


def _contents(function: types.FunctionType) -> list[Any]:
    """Return what is in the cells of a closure; one that is empty yet has nothing."""
    contents = []
    for cell in function.__closure__ or ():
        with suppress(ValueError):
            contents.append(cell.cell_contents)
    return contents


def _of_package(value: Any) -> bool:
    return isinstance(value, (types.FunctionType, type)) and _own(inspect.unwrap(value), ())


def _named(value: Any, files: tuple[Path, ...], seen: dict[str, str], above: tuple[int, ...]) -> Any:
    """Return the name of a function, class or module that another one holds; its source is visited."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    if _own(inspect.unwrap(value), files) and id(value) not in above:
        return _visit(value, seen, above)
    return f"{value.__module__}.{value.__qualname__}"


def _used(tree: ast.AST, scope: dict) -> list[tuple[str, Any]]:
    """Return the names in the source with the module-level objects behind them; `module.name` is followed one step."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in scope and not hasattr(builtins, node.id):
            found[node.id] = scope[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = scope.get(node.value.id)
            if isinstance(module, types.ModuleType) and hasattr(module, node.attr):
                found[f"{node.value.id}.{node.attr}"] = getattr(module, node.attr)
    return sorted(found.items(), key=lambda item: item[0])


def _plain(value: object) -> bool:
    """Return whether a constant is data through and through; a registry of functions is not, and does not count."""
    if isinstance(value, dict):
        return all(_plain(key) and _plain(item) for key, item in value.items())
    if isinstance(value, (tuple, list, set, frozenset)):
        return all(map(_plain, value))
    return isinstance(value, (bool, int, float, str, bytes, range, type(None)))
