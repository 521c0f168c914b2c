"""Inputs of claims: what their numbers come from, under names by which two runs can say what changed in between.

Of code these are *definitions*: functions and classes, each with a digest of its own source and constants and not of
what it uses. So an edit changes one, and not all that rest on it.
"""

from collections.abc import Callable, Collection, Iterable
from inspect import unwrap

from lottery.experiments.keys import Inputs
from lottery.masks import own_criteria, own_treatments
from lottery.masks.criteria import CRITERIA
from lottery.masks.kept_values import TREATMENTS
from lottery.masks.pruned_values import PRUNED
from lottery.models.initialisers import INITIALISERS
from lottery.store.fingerprints import mark, sources

CRITERION = f"{CRITERIA.what} "
REGISTRIES = (CRITERIA, TREATMENTS, PRUNED, INITIALISERS)


def gathered(found: Collection[Inputs]) -> dict[str, str]:
    """Return digests of what the experiments of a claim depend on, by kind: engine, network, data and so on."""
    kinds = sorted({kind for one in found for kind in one.kinds})
    return {kind: mark(sorted({one.kinds[kind] for one in found})) for kind in kinds}


def names(found: Iterable[Inputs]) -> list[str]:
    """Return what the functions and classes of experiments' science are called, such as "criterion large_final"."""
    return sorted(_named(found))


def definitions(found: Iterable[Inputs]) -> dict[str, dict[str, str]]:
    """Return, by the names of functions and classes, the definitions that each rests on, with their digests."""
    by_place = {_place(function): name for function, name in _registered().items()}
    told = {}
    for name, function in _named(found).items():
        texts: dict[str, list[str]] = {}
        for where, text in sources(function).items():
            place = where.partition(":")[0].partition(" ")[0]  # without a constant's name, and what a closure holds
            shown = name if place == _place(function) else by_place.get(place, place.removeprefix("lottery."))
            texts.setdefault(shown, []).append(f"{where.partition(' ')[2]} {text}")
        texts.setdefault(name, []).append(_fingerprint(name))
        told[name] = {shown: mark(sorted(parts)) for shown, parts in sorted(texts.items())}
    return told


def _named(found: Iterable[Inputs]) -> dict[str, Callable]:
    """Return functions and classes by their names: a criterion's is that under which it scores."""
    registered = _registered()
    named: dict[str, Callable] = {}
    for one in found:
        scoring = {name: CRITERIA.find(name) for name in one.criteria}
        named |= {CRITERION + name: function for name, function in scoring.items()}
        others = [function for function in one.science if function not in scoring.values()]
        named |= {registered.get(of) or _place(of).removeprefix("lottery."): of for of in others}
    return named


def _fingerprint(name: str) -> str:
    """Return what names the results of a user's own criterion or treatment; empty for any other."""
    kind, _, own = name.rpartition(" ")
    users = {CRITERIA.what: own_criteria, TREATMENTS.what: own_treatments, PRUNED.what: own_treatments}
    return users[kind].FINGERPRINTS.get(own, "") if kind in users else ""


def _registered() -> dict[Callable, str]:
    """Return the names of registered functions; of one that has another's name too (`--as`), its own."""
    found: dict[Callable, str] = {}
    for registry in REGISTRIES:
        for name, function in registry.items():
            if function not in found or name == getattr(function, "__name__", ""):
                found[function] = f"{registry.what} {name}"
    return found


def _place(function: Callable) -> str:
    inner = unwrap(function)
    return f"{inner.__module__}.{inner.__qualname__}"
