"""Fingerprints of science: of a function's normalised source with everything it uses, and of plain data."""

import ast
import builtins
import hashlib
import inspect
import json
import textwrap
import types
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

Used = TypeVar("Used")
PACKAGE = Path(__file__).resolve().parents[1]


def canonical(value: object) -> str:
    """Return the canonical JSON of plain data: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """Return a short hash of a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def listed(value: Used) -> Used:
    """Return a function or class, marked to count only where it is asked for itself, not where it is merely used.

    Such are the engine, which has a declared version, and what only some users' results depend on: those list it.
    """
    value.__listed__ = True  # type: ignore[attr-defined]
    return value


@cache
def source_digest(*functions: Callable) -> str:
    """Return a hash of the functions' normalised source, with the helpers, classes and constants they use.

    Comments, docstrings, layout, annotations, error messages and registering decorators do not count. Helpers are
    followed through this package and the file of a user's own criterion, not into libraries.
    """
    seen: dict[str, str] = {}
    for function in functions:
        _visit(function, seen)
    return digest(canonical(seen))


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


def _visit(value: Any, seen: dict[str, str]) -> None:
    value = inspect.unwrap(value)
    name = f"{value.__module__}.{value.__qualname__}"
    if name in seen:
        return
    tree, seen[name] = _normalised(value)
    module = inspect.getmodule(value)
    scope = vars(module) if module else getattr(value, "__globals__", {})
    files = (Path(inspect.getfile(value)).resolve(),)
    for used, found in _used(tree, scope):
        if isinstance(found, (types.FunctionType, type)) or hasattr(found, "__wrapped__"):
            if _own(inspect.unwrap(found), files) and "__listed__" not in vars(found):
                _visit(found, seen)
        elif _plain(found):
            seen[f"{name}:{used}"] = repr(sorted(found) if isinstance(found, (set, frozenset)) else found)


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
