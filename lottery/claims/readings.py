"""Readings: how a claim makes its numbers of what was measured, as digests by which two runs can tell a change."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lottery.claims.resolved import ResolvedClaim
from lottery.store.fingerprints import mark

QUANTITIES = sorted(Path(__file__).parent.glob("*quantities.py"))


def readings(asked: ResolvedClaim) -> dict[str, str]:
    """Return a digest of the claim's statement, with all of its file that is no claim, and one of all quantities."""
    if asked.statement is None:
        return {}
    of_file = _file(asked.claim.file)
    terms = [term.name for quantity in asked.statement.quantities for term in quantity.terms]
    stated = [of_file.get(asked.claim.line, ""), of_file[0], terms]
    return {"statement": mark(stated), "quantities": _quantities()}


@cache
def _quantities() -> str:
    return mark([_text(node) for file in QUANTITIES for node in _parsed(file).body])


@cache
def _file(file: Path) -> dict[int, str]:
    """Return the sources of a file's decorated functions by their first lines, and at 0 that of all else."""
    found, others = {}, []
    for node in _parsed(file).body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            line = min(decorator.lineno for decorator in node.decorator_list)
            found[line] = _text(node)
        else:
            others.append(_text(node))
    return {**found, 0: "\n".join(others)}


def _parsed(file: Path) -> ast.Module:
    """Return what is in a file; of one that was taken away or broken since it was imported, nothing."""
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ast.Module([], [])


def _text(node: ast.stmt) -> str:
    """Return a statement's source without comments, docstrings, decorators and imports."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return ""
    for inner in _documented(node):
        inner.body = inner.body[1:] or [ast.Pass()]
    if isinstance(node, ast.FunctionDef):
        node.decorator_list = []
    return "" if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) else ast.unparse(node)


def _documented(node: ast.AST) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for inner in ast.walk(node):
        if isinstance(inner, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(inner, clean=False) is not None:
            yield inner
