"""The house: every public name says what it is, `__init__` files hold names alone, and no module imports upwards."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "lottery"
WINGS = ("core", "store", "data", "models", "masks", "training", "planting", "experiments", "claims", "report",
         "jobs", "plugin", "cli")  # fmt: skip
TREES = {path.relative_to(PACKAGE): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = [path for path in TREES if path.name != "__init__.py"]
VERBS = """
    Add Ask Call Check Choose Close Compare Compute Count Cut Decide Draw End Fill Find Forget Give Have Hold Judge
    Keep Leave Let Load Lock Make Mark Measure Move Multiply Note Nothing Number Plan Plant Play Prepare Print Put Raise
    Read Refuse Register Release Remove Report Return Rewrite Run Say Score Set Show Skip Sort Split Start Stop
    Store Take Tell Train Turn Update Wait Warn Write Yield
"""
DONE = set(VERBS.split())


def public(tree: ast.AST, owner: str = "") -> list[tuple[str, ast.AST]]:
    """Return the public functions, classes and methods of a module, by name."""
    names = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            names.append((f"{owner}{node.name}", node))
            if isinstance(node, ast.ClassDef):
                names += public(node, f"{node.name}.")
    return names


def decorators(node: ast.AST) -> set[str]:
    return {ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list}


def classes(trees: Iterable[ast.AST]) -> dict[str, ast.ClassDef]:
    """Return the classes of modules by name."""
    return {node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


CLASSES = classes(TREES.values())


def inherited(owner: str, method: str, known: dict[str, ast.ClassDef]) -> str:
    """Return the docstring of the method that a class overrides, an empty string if it overrides none that has one."""
    for base in known[owner].bases if owner in known else ():
        name = ast.unparse(base).partition("[")[0].rpartition(".")[2]
        own = next((node for path, node in public(known[name]) if path == method), None) if name in known else None
        text = (ast.get_docstring(own) or "" if own else "") or inherited(name, method, known)
        if text:
            return text
    return ""


def names_an_act(text: str) -> bool:
    """Return whether a docstring begins with what is done; that of a function of one expression may name the value."""
    return text.partition(" ")[0].rstrip(",:") in DONE


def undocumented(tree: ast.AST) -> list[str]:
    """Return what is wrong with the docstrings of a module's public names; an override may leave its own out."""
    known = CLASSES | classes([tree])
    wrong = [] if (ast.get_docstring(tree) or "").strip() else ["the module has no docstring"]
    for name, node in public(tree):
        owner, _, own = name.rpartition(".")
        text, told = ast.get_docstring(node) or inherited(owner, own, known), decorators(node)
        if own.startswith("pytest_"):
            continue  # pytest says what its hooks do
        if told & {"criterion", "treatment", "action", "property", "cached_property", "functools.cached_property"}:
            wrong += [] if text or len(node.body) == 1 else [f"{name} has no docstring"]  # a formula will do, or a name
        elif not text[:1].isupper() and not text.startswith("`"):
            wrong.append(f"{name}: {text[:40]!r} does not start with a capital letter")
        elif isinstance(node, ast.FunctionDef) and len(node.body) > 2 and not names_an_act(text):
            wrong.append(f"{name}: {text[:40]!r} does not begin with what is returned or done")
    return wrong


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_public_names_say_what_they_are(path):
    """A capital letter first, and a function says what it returns or does."""
    assert not undocumented(TREES[path])


@pytest.mark.parametrize("path", [path for path in TREES if path.name == "__init__.py"], ids=str)
def test_packages_hold_names_alone(path):
    """A docstring, imports, and plain assignments of dunder names."""
    for node in TREES[path].body:
        named = isinstance(node, ast.Assign) and all(ast.unparse(name).startswith("__") for name in node.targets)
        assert named or isinstance(node, (ast.ImportFrom, ast.Expr)), ast.unparse(node)


def imported(tree: ast.AST) -> set[str]:
    """Return the wings that a module imports from, anywhere in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("lottery.")} & set(WINGS)


@pytest.mark.parametrize("path", [path for path in TREES if len(path.parts) > 1], ids=str)
def test_no_module_imports_upwards(path):
    """A wing knows itself and those before it, lazily or not."""
    known = WINGS[: WINGS.index(path.parts[0]) + 1]
    assert not imported(TREES[path]) - set(known)


def test_the_checks_can_fail():
    """A bare function, a lower-case docstring, a description that says nothing, and an import are noticed."""
    bare = '"""A module."""\ndef f(): pass\nclass A:\n  """no."""\n  def g(self):\n    """The g."""\n    a()\n    b()'
    assert [line.partition(":")[0] for line in undocumented(ast.parse(bare))] == ["f", "A", "A.g"]
    heirs = '"M."\nclass A:\n  "A."\n  def g(self): "Return one."\n'
    heirs += 'class B(A):\n  "B."\n  def g(self): pass\n  def h(self): pass'
    assert [line.partition(":")[0] for line in undocumented(ast.parse(heirs))] == ["B.h"]
    assert imported(ast.parse("def f():\n    from lottery.plugin import hooks")) == {"plugin"}
