"""What a user gave and nothing that is selected asks anything of, which its answer would not tell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lottery.core.shell import quote

if TYPE_CHECKING:
    from lottery.claims.resolved import ResolvedClaim

ASKS = {  # by the option, what asks something of it
    "criterion": "-k own_criterion does",
    "treatment": "-k own_treatment does",
    "network": "-k own_network does",
    "dataset": "-k own_network does, with a --network that is trained on it",
    "as": "select a claim whose masks come from it",
}


def lacking(words: str, given: Mapping[str, Sequence[str]]) -> str:
    """Return which option is lacking where words select what is asked of a user's own alone; empty where none is."""
    of = [kind for kind in ("criterion", "treatment", "network") if f"own_{kind}" in words and not given[kind]]
    return "; ".join(f"own_{kind} is asked of a {kind} of yours, add --{kind} NAME=FILE.py:FUNCTION" for kind in of)


def unasked(given: Mapping[str, Sequence[str]], asked: Iterable["ResolvedClaim"], words: str) -> list[str]:
    """Return a line for each thing that nothing selected asks anything of, with what would.

    `given` has the values of each option of `ASKS`, `words` what -k selects by, if that is given.
    """
    if not any(given.values()):
        return []
    used = _used(list(asked))
    used["criterion"] |= {option.partition("=")[2] for option in given.get("as", ())}  # in another one's place
    return [
        _told(kind, name, words)
        for kind, options in given.items()
        for name in dict.fromkeys(option.partition("=")[0] for option in options)
        if name not in used[kind]
    ]


def _used(asked: Sequence["ResolvedClaim"]) -> dict[str, set[str]]:
    """Return the names that claims speak of or rest on, by the options that give such things."""
    from lottery.experiments.keys import criteria_of, other_data, treatments_of

    experiments = [one for resolved in asked for one in resolved.all_experiments]
    subjects = {resolved.claim.subject for resolved in asked}

    def of_arms(names: Callable[..., Iterable[str]]) -> set[str]:
        return {name for arm in {one.arm for one in experiments} for name in names(arm)}

    criteria = of_arms(criteria_of)
    return {
        "criterion": criteria | subjects,
        "as": criteria,
        "treatment": of_arms(treatments_of) | subjects,
        "network": {resolved.claim.network for resolved in asked} | {one.setting.network for one in experiments},
        "dataset": {one.setting.dataset for one in experiments} | of_arms(other_data),
    }


def _told(kind: str, name: str, words: str) -> str:
    """Return that nothing selected asks anything of it, with what would."""
    selected = "nothing that is selected" + (f" by -k {quote(words)}" if words else "")
    way = ASKS[kind] + ", or leave out -k" * bool(words)
    if kind == "as":
        return f"{selected} rests on the criterion {name!r}, so that --as changes nothing: {way}"
    return f"{selected} asks anything of the {kind.replace('dataset', 'data set')} {name!r}: {way}"
