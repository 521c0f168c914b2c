"""Own code: a function of a user's file, apart from other files, under a name made of all it is made of.

    NAME=FILE.py:FUNCTION

What names its results is its sources, the installed packages that they import, the files that they declare, and the
function's own state: closure, defaults, and the globals that it reads.
"""

import types
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lottery.core.errors import LotteryError, told
from lottery.core.paths import user_path
from lottery.masks.surroundings import EndedProcess, going_on, kept, whole
from lottery.store.fingerprints import canonical
from lottery.store.sources import Source
from lottery.store.states import state


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
        found = getattr(_imported(self._source), of.attribute, None)
        if not isinstance(found, types.FunctionType):
            what = f"{of.path} has no function {of.attribute!r}, written with def or lambda"
            hint = f"; put the call of it into a function, def {of.attribute}_too(...): ..." if callable(found) else ""
            raise LotteryError(what + hint)
        self.function = found
        with kept(seed=0), self._source.at_hand():
            self._began = self._state()
        self._known = {*self._source.read, *self._source.modules}
        self.fingerprint = canonical(self._source.fingerprint() | {"function": of.attribute, "state": self._began})

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Return what the function makes of its arguments; raise `Unusable` if that changed anything else."""
        try:
            with self._source.at_hand(), whole() as replaced, going_on():
                result = self.function(*given, **named)
        except EndedProcess as error:
            raise Unusable(f"ended the process: {error}") from None
        if replaced:
            raise Unusable(f"replaced {_shared(replaced)}")
        if new := sorted({*self._source.read, *self._source.modules} - self._known):
            raise Unusable(
                f"imported {', '.join(new)} while it ran, which its name in the store cannot know; "
                "import it at the top of the file"
            )
        with self._source.at_hand():
            now = self._state()
        if changed := sorted(part for part in self._began | now if self._began.get(part) != now.get(part)):
            raise Unusable(f"changed {', '.join(changed)} while it ran; results must depend on its arguments alone")
        return result

    def _state(self) -> dict[str, str]:
        try:
            return state(self.function, self._source.modules)
        except RecursionError:
            name = self.function.__qualname__
            raise LotteryError(f"{name} holds data that are nested too deeply to be told apart") from None


def _imported(source: Source) -> types.ModuleType:
    try:
        with kept(seed=0), whole() as replaced, going_on():
            module = source.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what a file raises when it is imported may be anything: an exit, a skipped test
        raise LotteryError(f"importing {source.path} raised {told(error)}") from error
    if replaced:
        raise LotteryError(f"importing {source.path} replaced {_shared(replaced)}")
    return module


def _shared(replaced: list[str]) -> str:
    return f"{', '.join(replaced)}, which all others use as well; give it a name of your own instead"
