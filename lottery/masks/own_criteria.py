"""Criteria of users: `--criterion NAME=FILE.py:FUNCTION` makes a function of theirs a criterion under NAME."""

import inspect
from collections.abc import Callable
from typing import Any

from lottery.core.errors import LotteryError
from lottery.masks.criteria import CRITERIA
from lottery.masks.own_code import OwnFunction, target
from lottery.store.fingerprints import listed

FINGERPRINTS: dict[str, str] = {}  # of users' criteria by name: what names their results beside the name


def load(option: str) -> str:
    """Register the criterion that an option points to and return its name; raise if there is none."""
    try:
        of = target(option, "mine=mine.py:score", CRITERIA, "criterion")
        function = OwnFunction(of, "criterion")
        CRITERIA.add(of.name, _criterion(function))
    except LotteryError as error:
        raise LotteryError(f"--criterion {option}: {error}") from None
    FINGERPRINTS[of.name] = function.fingerprint
    return of.name


def forget(name: str) -> None:
    """Take a user's criterion from the register."""
    CRITERIA.pop(name, None)
    FINGERPRINTS.pop(name, None)


def _criterion(function: OwnFunction) -> Callable:
    @listed  # keys name it by its fingerprint
    def own(**arguments: Any) -> Any:
        return function(**arguments)

    try:
        own.__signature__ = inspect.signature(function.function)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        name = function.function.__qualname__
        raise LotteryError(f"{name} does not say what it asks for: {error}") from None
    return own
