"""A user's file at work: imported apart from all others, with every source of the user's own that it reaches.

The user's own is what is neither in the standard library, nor installed, nor in this package. It is read when it is
imported and never from a cache of bytecode, so that what runs is what was read.
"""

import ast
import importlib
import importlib.metadata
import importlib.util
import sys
import sysconfig
import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import Any

from lottery.core.errors import LotteryError
from lottery.core.registry import Registry
from lottery.store.fingerprints import PACKAGE, canonical, digest, source_digest
from lottery.store.values import bytes_digest

DECLARED = "LOTTERY_DEPENDS_ON"  # a list of files, in any of a user's modules
LIBRARIES = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")]
ASIDE = ("TYPE_CHECKING", "__name__ == '__main__'", "'__main__' == __name__")  # what only checkers and scripts run
BESIDE = ("torch", "lottery")  # torch's version stands beside each result; this package is followed by name


@cache
def is_own(file: str) -> bool:
    """Return whether a file is the user's own; code without a file is, unless it is Python's own."""
    if file.startswith("<"):
        return not file.startswith("<frozen ")
    path = Path(file).resolve()
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    return not installed and not any(folder in path.parents for folder in (PACKAGE, *LIBRARIES))


class Source:
    """A user's file and what it imports of the user's own: `modules` by name, and `read`, the bytes of each."""

    def __init__(self, path: Path, name: str):
        self.path, self.name = path, name
        self.modules: dict[str, types.ModuleType] = {}
        self.read: dict[str, bytes] = {}

    def load(self) -> types.ModuleType:
        """Return the file's module, imported with all that its functions would import when they are called."""
        importlib.invalidate_caches()
        spec = importlib.util.spec_from_loader(self.name, _Loader(self, self.name, str(self.path)))
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        others = {name: module for name, module in sys.modules.items() if name != "__main__" and is_own_module(module)}
        for name in others:
            del sys.modules[name]
        self.modules[self.name] = module
        try:
            with self.at_hand():
                spec.loader.exec_module(module)  # type: ignore[union-attr]
                self._import_all()
        finally:
            sys.modules.update(others)
        return module

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Make imports find what this file imports, and not what another one calls by the same name."""
        hidden = {name: sys.modules.pop(name) for name in self.modules if name in sys.modules}
        sys.modules.update(self.modules)
        before, path, finder = set(sys.modules), list(sys.path), _Finder(self)
        sys.path.insert(0, str(self.path.parent))
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            sys.path[:] = path
            new = {name for name in set(sys.modules) - before if is_own_module(sys.modules[name])}
            names = {*new, *self.read, *self.modules} & set(sys.modules)
            self.modules |= {name: sys.modules.pop(name) for name in names}
            sys.modules.update(hidden)

    def _import_all(self) -> None:
        """Import what is named in an import statement anywhere in the user's own sources, if it is the user's own.

        The function may never import it, or know how to do without: what goes wrong here ends nothing.
        """
        tried: set[str] = set()
        while new := [name for module in list(self.read) for name in self._imports(module) if name not in tried]:
            tried.update(new)
            for name in new:
                try:
                    spec = importlib.util.find_spec(name)
                    if spec and spec.origin and spec.has_location and is_own(spec.origin):
                        importlib.import_module(name)
                except KeyboardInterrupt:
                    raise
                except BaseException:  # it is not there, or exits, or skips a test, or whatever it may do
                    continue

    def _imports(self, module: str) -> list[str]:
        """Return the full names of what a module imports; of `from a import b` both `a` and `a.b`."""
        names, package = [], getattr(self.modules.get(module) or sys.modules.get(module), "__package__", "") or ""
        for node in _run(self._tree(module)):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                try:
                    source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                except ImportError:
                    continue
                names += [source, *(f"{source}.{alias.name}" for alias in node.names)]
        return names

    def _tree(self, module: str) -> ast.AST:
        try:
            return ast.parse(self.read[module])
        except (SyntaxError, ValueError):  # a compiled library
            return ast.Module([], [])

    def fingerprint(self) -> dict[str, Any]:
        """Return what names this source, as plain data; paths of this machine do not count."""
        inner = {name.replace(self.name, "", 1) if name == self.name else name: name for name in self.read}
        return {
            "sources": {shown: bytes_digest(self.read[name]) for shown, name in sorted(inner.items())},
            "declared": dict(sorted(self._declared())),
            "packages": dict(sorted(self._packages())),
            "suite": dict(sorted(self._suite())),
        }

    def _declared(self) -> Iterator[tuple[str, str]]:
        """Yield the declared files, as they were written, with the hash of what is in them."""
        for module in self.modules.values():
            files = getattr(module, DECLARED, ())
            if not isinstance(files, (list, tuple)) or not all(isinstance(file, (str, Path)) for file in files):
                raise LotteryError(f"{DECLARED} in {module.__file__} should be a list of files, relative to its folder")
            for file in files:
                path = Path(module.__file__ or self.path).parent / file
                try:
                    yield f"{file}", bytes_digest(path.read_bytes())
                except OSError as error:
                    what = f"{DECLARED} in {module.__file__} names {str(file)!r}, which cannot be read"
                    raise LotteryError(f"{what} ({error.strerror})") from None

    def _packages(self) -> Iterator[tuple[str, str]]:
        """Yield the installed packages that the user's own sources import, with their versions."""
        tops = {name.partition(".")[0] for module in self.read for name in self._imports(module)}
        for top in tops - set(sys.stdlib_module_names) - set(BESIDE):
            try:
                spec = importlib.util.find_spec(top)
            except (ImportError, ValueError):
                continue
            if spec and spec.origin and spec.has_location and not is_own(spec.origin):
                found = _distributions().get(top)
                versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(set(found or ())))
                yield top, versions or bytes_digest(Path(spec.origin).read_bytes())

    def _suite(self) -> Iterator[tuple[str, str]]:
        """Yield what the user's own sources may use of this package: what they import of it and call by its name."""
        for module in self.read:
            tree = self._tree(module)
            names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
            for imported in self._imports(module):
                for name in names if imported.partition(".")[0] == PACKAGE.name and imported in sys.modules else ():
                    yield from _used(imported, name)


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a source in its order, without what only a type checker or a script runs."""
    met = [tree]
    while met:
        node = met.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test).rpartition(".")[2] in ASIDE:
            met += reversed(node.orelse)
        else:
            met += reversed(list(ast.iter_child_nodes(node)))


def _used(module: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the digests of a function or class of this package, or of all functions of a registry."""
    value = vars(sys.modules[module]).get(name)
    if isinstance(value, (types.FunctionType, type)) and value.__module__.partition(".")[0] == PACKAGE.name:
        yield f"{module}.{name}", source_digest(value)
    elif isinstance(value, Registry):
        for key, function in value.items():
            if is_of_package(function):
                yield f"{module}.{name}[{key}]", source_digest(function)
    elif isinstance(value, (bool, int, float, str, tuple)):
        yield f"{module}.{name}", digest(canonical(repr(value)))


def is_of_package(function: Any) -> bool:
    """Return whether a function or class is this package's."""
    return str(getattr(function, "__module__", "")).partition(".")[0] == PACKAGE.name


def is_own_module(module: types.ModuleType | None) -> bool:
    """Return whether a module is the user's own; one without a file is where a folder that it spans is."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return is_own(file)
    folders = [str(folder) for folder in getattr(module, "__path__", None) or ()]
    return any(is_own(folder) for folder in folders if Path(folder).is_dir())


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


class _Loader(SourceFileLoader):
    """Compiles the source that it reads, never bytecode from a cache, and keeps what it read."""

    def __init__(self, source: Source, name: str, path: str):
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> types.CodeType:
        content = self._source.read[fullname] = Path(self.path).read_bytes()
        return self.source_to_code(content, self.path)


class _Finder:
    """Finds modules as Python does, and has those that are the user's own read by `_Loader`."""

    def __init__(self, source: Source):
        self._source = source

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a module of the user's own; None leaves any other to Python."""
        finders = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
        found = (finder.find_spec(name, path, target) for finder in finders if hasattr(finder, "find_spec"))
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None or not spec.origin or not spec.has_location or not is_own(spec.origin):
            return None
        if spec.origin.endswith(tuple(EXTENSION_SUFFIXES)):
            self._source.read[name] = Path(spec.origin).read_bytes()
        else:
            spec.loader = _Loader(self._source, name, spec.origin)
        return spec
