"""Replaced criteria: `--as NAME=WHAT` runs the papers' claims themselves with another criterion under a name of theirs.

    large_final=mine.py:score    a function of a file
    large_final=movement         another criterion: the suite's, an installed one, or one given with --criterion

Keys hold what scores and not only its name, so that only what the name touches is trained, and under keys of its own.
"""

from collections.abc import Callable

from lottery.core.errors import LotteryError
from lottery.masks import installed_criteria
from lottery.masks.criteria import CRITERIA, REPLACED
from lottery.masks.own_code import InstalledFunction, OwnFunction, target
from lottery.masks.own_criteria import FINGERPRINTS, criterion_of, unknown

EXAMPLE = "large_final=mine.py:score"
_ORIGINALS: dict[str, Callable] = {}  # the suite's own criteria of the names that are replaced


def load(option: str) -> str:
    """Put a criterion in the place of another and return that one's name; raise if either is none."""
    name, equals, what = option.partition("=")
    try:
        if not (equals and name and what):
            raise LotteryError(f"write it as NAME=FILE.py:FUNCTION or NAME=CRITERION, for example {EXAMPLE}")
        if name not in CRITERIA or (name in FINGERPRINTS and name not in REPLACED):
            raise LotteryError(unknown(name))
        if name in REPLACED:
            raise LotteryError(f"{name!r} is {REPLACED[name]} already; replace it once")
        function, fingerprint = _found(name, what)
        original = CRITERIA[name]
        CRITERIA.add(name, function)
    except LotteryError as error:
        raise LotteryError(f"--as {option}: {error}") from None
    _ORIGINALS[name], REPLACED[name] = original, what
    if fingerprint:
        FINGERPRINTS[name] = fingerprint
    return name


def _found(name: str, what: str) -> tuple[Callable, str]:
    """Return what is to score under a name, with the fingerprint of a user's own, which none of the suite's has."""
    if what == name:
        raise LotteryError(f"{name!r} would be what it is; name another criterion")
    if ":" not in what and what in CRITERIA:
        own = "" if what in REPLACED else FINGERPRINTS.get(what, "")
        return _ORIGINALS.get(what, CRITERIA[what]), own
    entry = installed_criteria.find(what)
    if entry is None and ":" not in what:
        raise LotteryError(unknown(what))
    function = (
        InstalledFunction(entry)
        if entry
        else OwnFunction(target(f"{name}={what}", EXAMPLE, (), "criterion"), "stand_in")
    )
    return criterion_of(function), function.fingerprint


def forget(name: str) -> None:
    """Put the suite's own criterion back."""
    CRITERIA[name] = _ORIGINALS.pop(name)
    REPLACED.pop(name)
    FINGERPRINTS.pop(name, None)
