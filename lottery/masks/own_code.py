"""Own code: a function of a user's file or of an installed package, under a name made of all it is made of.

    NAME=FILE.py:FUNCTION

What names the results of a file's function is its sources, the installed packages that they import, the files that they
declare, and the function's own state: closure, defaults, and the globals that it reads. What names those of an
installed function is all sources of its package, and the versions of that and of what it requires.
"""

import importlib.metadata
import re
import sys
import types
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from lottery.core.errors import LotteryError
from lottery.core.paths import user_path
from lottery.masks.surroundings import EndedProcess, going_on, kept, whole
from lottery.store.fingerprints import canonical
from lottery.store.places import raised
from lottery.store.sources import BESIDE, Source
from lottery.store.states import state
from lottery.store.values import bytes_digest

CODE = (".py", ".so", ".pyd")  # what of a package's files decides what it does


class Unusable(LotteryError):
    """What a user's function did that cannot be used; the message goes on from its name."""


@dataclass(frozen=True)
class Target:
    """What an option `NAME=FILE.py:FUNCTION` points to."""

    name: str
    path: Path
    attribute: str


def target(option: str, example: str, taken: Container[str], kind: str) -> Target:
    """Return what an option points to; raise where it is written otherwise, or where its name is taken."""
    name, equals, rest = option.partition("=")
    file, colon, attribute = rest.rpartition(":")
    if not (equals and colon and name.isidentifier() and file and attribute):
        raise LotteryError(f"write it as NAME=FILE.py:FUNCTION, for example {example}")
    if name in taken:
        raise LotteryError(f"there is a {kind} {name!r} already; give yours another name")
    path = user_path(file).resolve()
    if not path.is_file():
        raise LotteryError(f"there is no file {path}")
    return Target(name, path, attribute)


class OwnFunction:
    """A user's function as it was loaded. Called, it finds its own imports, and raises where it is no longer that."""

    def __init__(self, of: Target, kind: str):
        self._source = Source(of.path, f"lottery_{kind}_{of.name}")
        module = _loaded(f"{of.path}", self._source.load)
        found = getattr(module, of.attribute, None)
        if not isinstance(found, types.FunctionType):
            raise LotteryError(_no_function(f"{of.path}", of.attribute, module))
        self.function = found
        with kept(seed=0), self._source.at_hand():
            self._began = self._state()
        self._known = {*self._source.read, *self._source.modules}
        self.fingerprint = canonical(self._source.fingerprint() | {"function": of.attribute, "state": self._began})

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Return what the function makes of its arguments; raise `Unusable` if that changed anything else."""
        with self._source.at_hand():
            result = _guarded(lambda: self.function(*given, **named))
        if new := sorted({*self._source.read, *self._source.modules} - self._known):
            raise Unusable(
                f"imported {', '.join(new)} while it ran, so that its results cannot be identified; "
                "import it at the top of the file"
            )
        with self._source.at_hand():
            now = self._state()
        if changed := sorted(part for part in self._began | now if self._began.get(part) != now.get(part)):
            raise Unusable(f"changed {', '.join(changed)} while it ran; results must depend only on its arguments")
        return result

    def _state(self) -> dict[str, str]:
        try:
            return state(self.function, self._source.modules)
        except RecursionError:
            name = self.function.__qualname__
            raise LotteryError(f"{name} holds data that are nested too deeply to be compared") from None


class InstalledFunction:
    """A function that an installed package offers. Called, it raises where it changed what all others use."""

    def __init__(self, entry: EntryPoint):
        found = _loaded(entry.value, entry.load)
        if not isinstance(found, types.FunctionType):
            raise LotteryError(
                f"{entry.value} is of type {type(found).__name__}, and not a function; ask who made the package"
            )
        self.function = found
        sources = dict(sorted(_sources(entry.module.partition(".")[0])))
        self.fingerprint = canonical({"function": entry.value, "sources": sources, "packages": _versions(entry)})

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Return what the function makes of its arguments; raise `Unusable` if that changed anything else."""
        return _guarded(lambda: self.function(*given, **named))


def _sources(package: str) -> Iterator[tuple[str, str]]:
    """Yield the files of a package that was imported, by their places in it, each with the hash of what is in it."""
    module = sys.modules[package]
    for folder in map(Path, getattr(module, "__path__", ())):
        for file in folder.rglob("*"):
            if file.suffix in CODE:
                yield file.relative_to(folder).as_posix(), bytes_digest(file.read_bytes())
    if not hasattr(module, "__path__") and module.__file__:
        yield package, bytes_digest(Path(module.__file__).read_bytes())


def _versions(entry: EntryPoint) -> dict[str, str]:
    """Return the versions of the package that offers an entry, and of what it requires where that is installed."""
    if entry.dist is None:
        return {}
    found = {entry.dist.name: entry.dist.version}
    for required in entry.dist.requires or ():
        name = re.split(r"[^\w.-]", required, maxsplit=1)[0]
        try:
            found |= {name: importlib.metadata.version(name)} if name not in BESIDE else {}
        except importlib.metadata.PackageNotFoundError:
            continue  # of an extra
    return dict(sorted(found.items()))


def _loaded(where: str, load: Callable[[], Any]) -> Any:
    """Return what importing a user's code gives; raise where it does anything but that."""
    try:
        with kept(seed=0), whole() as replaced, going_on():
            found = load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what a file raises when it is imported may be anything: an exit, a skipped test
        raise LotteryError(f"importing {where} {raised(error)}") from error
    if replaced:
        raise LotteryError(f"importing {where} replaced {_shared(replaced)}")
    return found


def _guarded(call: Callable[[], Any]) -> Any:
    """Return what a user's function returns; raise `Unusable` if it ended the process or changed libraries."""
    try:
        with whole() as replaced, going_on():
            result = call()
    except EndedProcess as error:
        raise Unusable(f"ended the process: {error}") from None
    if replaced:
        raise Unusable(f"replaced {_shared(replaced)}")
    return result


def _no_function(where: str, attribute: str, module: types.ModuleType) -> str:
    """Return that a module has no function of this name: what it has instead, or those of similar names."""
    if attribute in vars(module) and not callable(found := vars(module)[attribute]):
        return f"{attribute} in {where} is of type {type(found).__name__}, not a function, written with def or lambda"
    functions = [name for name, value in vars(module).items() if isinstance(value, types.FunctionType)]
    near = get_close_matches(attribute, functions, 3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    if callable(getattr(module, attribute, None)):
        hint = f"; put the call of it into a function, def {attribute}_too(...): ..."
    return f"{where} has no function {attribute!r}, written with def or lambda{hint}"


def _shared(replaced: list[str]) -> str:
    return f"{', '.join(replaced)}, which all others use as well; give it a name of your own instead"
