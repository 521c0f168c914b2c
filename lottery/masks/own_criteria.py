"""Criteria of users: a function of a file of their own, apart from other files, under a name made of all it is made of.

    NAME=FILE.py:FUNCTION

The function becomes a criterion under NAME. What names its results is its sources, the installed packages that they
import, the files that they declare, and the function's own state: closure, defaults, and the globals that it reads.
"""

import inspect
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lottery.core.errors import LotteryError, told
from lottery.masks.criteria import CRITERIA, Unusable
from lottery.masks.surroundings import kept, whole
from lottery.store.fingerprints import canonical, listed
from lottery.store.sources import Source
from lottery.store.states import state

FINGERPRINTS: dict[str, str] = {}  # of users' criteria by name: what names their results beside the name


def load(option: str) -> str:
    """Register the criterion that `NAME=FILE.py:FUNCTION` points to and return its name; raise if there is none."""
    name, equals, target = option.partition("=")
    file, colon, attribute = target.rpartition(":")
    if not (equals and colon and name.isidentifier() and file and attribute):
        raise LotteryError(f"--criterion {option}: write it as NAME=FILE.py:FUNCTION, for example mine=mine.py:score")
    if name in CRITERIA:
        raise LotteryError(f"--criterion {option}: there is a criterion {name!r} already; give yours another name")
    path = Path(file).resolve()
    if not path.is_file():
        raise LotteryError(f"--criterion {option}: there is no file {path}")
    try:
        _register(name, Source(path, f"lottery_criterion_{name}"), attribute)
    except LotteryError as error:
        raise LotteryError(f"--criterion {option}: {error}") from None
    return name


def forget(name: str) -> None:
    """Take a user's criterion from the register."""
    CRITERIA.pop(name, None)
    FINGERPRINTS.pop(name, None)


def _register(name: str, source: Source, attribute: str) -> None:
    function = getattr(_imported(source), attribute, None)
    if not isinstance(function, types.FunctionType):
        what = f"{source.path} has no function {attribute!r}, written with def or lambda"
        hint = f"; put the call of it into a function, def {attribute}_too(w_final): ..." if callable(function) else ""
        raise LotteryError(what + hint)
    with kept(seed=0), source.at_hand():
        began = _state(function, source)
    fingerprint = canonical(source.fingerprint() | {"function": attribute, "state": began})
    CRITERIA.add(name, _apart(name, function, source, began))
    FINGERPRINTS[name] = fingerprint


def _imported(source: Source) -> types.ModuleType:
    try:
        with kept(seed=0), whole() as replaced:
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


def _state(function: types.FunctionType, source: Source) -> dict[str, str]:
    try:
        return state(function, source.modules)
    except RecursionError:
        raise LotteryError(f"{function.__qualname__} holds data that are nested too deeply to be told apart") from None


def _apart(name: str, function: types.FunctionType, source: Source, began: dict[str, str]) -> Callable:
    """Return the function, made to find its own imports, and to raise where it is no longer what was loaded."""
    known = {*source.read, *source.modules}

    @listed  # keys name it by its fingerprint
    def own(**arguments: Any) -> Any:
        with source.at_hand(), whole() as replaced:
            result = function(**arguments)
        if replaced:
            raise Unusable(f"replaced {_shared(replaced)}")
        if new := sorted({*source.read, *source.modules} - known):
            raise Unusable(
                f"imported {', '.join(new)} while it scored, which its name in the store cannot know; "
                "import it at the top of the file"
            )
        with source.at_hand():
            now = _state(function, source)
        if changed := sorted(part for part in began | now if began.get(part) != now.get(part)):
            raise Unusable(f"changed {', '.join(changed)} while it scored; scores must depend on its arguments alone")
        return result

    try:
        own.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise LotteryError(f"{function.__qualname__} does not say what it asks for: {error}") from None
    return own
