"""Inputs of claims: what their numbers come from, under names by which two runs can say what changed in between.

Of code these are *definitions*: functions and classes, each with a digest of its own source and constants and not of
what it uses. So an edit changes one, and not all that rest on it.
"""

from collections.abc import Callable, Collection, Iterable
from inspect import unwrap

from lottery.experiments.keys import Inputs
from lottery.masks.criteria import CRITERIA
from lottery.masks.kept_values import TREATMENTS
from lottery.masks.own_criteria import FINGERPRINTS
from lottery.masks.pruned_values import PRUNED
from lottery.models.initialisers import INITIALISERS
from lottery.store.fingerprints import mark, sources

REGISTRIES = (CRITERIA, TREATMENTS, PRUNED, INITIALISERS)


def gathered(found: Collection[Inputs]) -> dict[str, str]:
    """Return digests of what the experiments of a claim depend on, by kind: engine, network, data and so on."""
    kinds = sorted({kind for one in found for kind in one.kinds})
    return {kind: mark(sorted({one.kinds[kind] for one in found})) for kind in kinds}


def names(science: Iterable[Callable]) -> list[str]:
    """Return what functions and classes of an experiment's science are called, such as "criterion large_final"."""
    registered = _registered()
    return sorted({_name(function, registered) for function in science})


def definitions(science: Iterable[Callable]) -> dict[str, dict[str, str]]:
    """Return, by the names of functions and classes, the definitions that each rests on, with their digests."""
    registered = _registered()
    by_place = {_place(function): name for function, name in registered.items()}
    found = {}
    for function in science:
        name = _name(function, registered)
        texts: dict[str, list[str]] = {}
        for where, text in sources(function).items():
            place = where.partition(":")[0].partition(" ")[0]  # without a constant's name, and what a closure holds
            shown = name if place == _place(function) else by_place.get(place, place.removeprefix("lottery."))
            texts.setdefault(shown, []).append(f"{where.partition(' ')[2]} {text}")
        own = FINGERPRINTS.get(name.removeprefix(f"{CRITERIA.what} "), "") if name.startswith(CRITERIA.what) else ""
        texts.setdefault(name, []).append(own)
        found[name] = {shown: mark(sorted(parts)) for shown, parts in sorted(texts.items())}
    return found


def _registered() -> dict[Callable, str]:
    return {function: f"{registry.what} {name}" for registry in REGISTRIES for name, function in registry.items()}


def _name(function: Callable, registered: dict[Callable, str]) -> str:
    return registered.get(function) or _place(function).removeprefix("lottery.")


def _place(function: Callable) -> str:
    inner = unwrap(function)
    return f"{inner.__module__}.{inner.__qualname__}"
