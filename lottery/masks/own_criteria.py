"""Criteria of users: `--criterion` chooses one to be compared, and registers it where the suite does not have it.

NAME=FILE.py:FUNCTION    a function of a file
NAME                     one that an installed package offers, or one of the suite's own
"""

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from lottery.core.errors import LotteryError
from lottery.masks import installed_criteria
from lottery.masks.criteria import CRITERIA
from lottery.masks.own_code import InstalledFunction, OwnFunction, target
from lottery.store.fingerprints import listed

EXAMPLE = "mine=mine.py:score"
FINGERPRINTS: dict[str, str] = {}  # of users' criteria by name: what names their results beside the name


def load(option: str) -> str:
    """Register the criterion that an option points to and return its name; raise if there is none."""
    try:
        return _load(option)
    except LotteryError as error:
        raise LotteryError(f"--criterion {option}: {error}") from None


def _load(option: str) -> str:
    entry = installed_criteria.find(option)
    if entry and option in CRITERIA:
        raise LotteryError("an installed package and the suite have criteria of this name; the package's needs another")
    if option in CRITERIA:
        return option
    name: str
    function: OwnFunction | InstalledFunction
    if entry:
        name, function = option, InstalledFunction(entry)
    elif "=" in option or ":" in option:
        of = target(option, EXAMPLE, CRITERIA, "criterion")
        name, function = of.name, OwnFunction(of, "criterion")
    else:
        raise LotteryError(f"write it as NAME=FILE.py:FUNCTION, for example {EXAMPLE}, or {unknown(option)}")
    CRITERIA.add(name, criterion_of(function))
    FINGERPRINTS[name] = function.fingerprint
    return name


def forget(name: str) -> None:
    """Take a user's criterion from the register; the suite's own stay."""
    if FINGERPRINTS.pop(name, None) is not None:
        CRITERIA.pop(name, None)


def unknown(name: str) -> str:
    """Return that no criterion has this name, with the names that are like it, or all there are."""
    known = sorted({*CRITERIA, *installed_criteria.installed()})
    near = get_close_matches(name, known, 3)
    which = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}"
    return f"name a criterion that there is: {name!r} is none; {which}"


def criterion_of(function: OwnFunction | InstalledFunction) -> Callable:
    """Return a user's function as a criterion that can be registered; raise where it does not say what it asks for."""

    @listed  # keys name it by its fingerprint
    def own(**arguments: Any) -> Any:
        return function(**arguments)

    try:
        own.__signature__ = inspect.signature(function.function)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        name = function.function.__qualname__
        raise LotteryError(f"{name} does not say what it asks for: {error}") from None
    return own
