"""What a plan found, remembered so that a later run can say how long any of its claims take at that scale.

Claims share networks, and what is shared is paid once. So seconds are kept by the set of claims that need them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from lottery.experiments.experiment import Experiment


class Planned(NamedTuple):
    """The seconds of one worker that the planned claims still took, by the set of claims that need what takes them.

    `code` is the mark of the code that they were planned with.
    """

    code: str
    claims: frozenset[str]
    shares: Mapping[frozenset[str], float]

    def seconds(self, claims: Collection[str]) -> float | None:
        """Return how long one worker takes for these claims together; None if any of them was not planned."""
        if not self.claims.issuperset(claims):
            return None
        return sum(seconds for needed_by, seconds in self.shares.items() if needed_by.intersection(claims))

    def settled(self, claims: Collection[str]) -> "Planned":
        """Return what is left once all that these claims need is there."""
        left = {needed_by: took for needed_by, took in self.shares.items() if not needed_by.intersection(claims)}
        return Planned(self.code, self.claims.union(claims), left)


Plans = dict[str, Planned]  # by scale


def shares(
    missing: Mapping[str, Iterable[Experiment]], seconds: Callable[[Experiment], float]
) -> dict[frozenset[str], float]:
    """Return the seconds of what is missing, by the set of claims that need it."""
    needed_by: dict[Experiment, set[str]] = {}
    for claim, experiments in missing.items():
        for one in experiments:
            needed_by.setdefault(one, set()).add(claim)
    found: dict[frozenset[str], float] = {}
    for one, claims in needed_by.items():
        found[frozenset(claims)] = found.get(frozenset(claims), 0.0) + seconds(one)
    return found


def remember(plans: Plans, scale: str, planned: Planned) -> None:
    """Add a plan; one of more claims, made with the same code, stays, since it says as much."""
    known = plans.get(scale)
    if not (known and known.code == planned.code and known.claims >= planned.claims):
        plans[scale] = planned


def settle(plans: Plans, scale: str, code: str, claims: Collection[str]) -> None:
    """Let the plans know that all that these claims need at a scale is there, as it is with this code."""
    known = plans.get(scale)
    plans[scale] = (known if known and known.code == code else Planned(code, frozenset(), {})).settled(claims)


def forget(plans: Plans, scale: str) -> None:
    """Forget the plan of a scale: something of it is being computed, and nobody knows yet how much."""
    plans.pop(scale, None)


def as_json(plans: Plans) -> dict[str, Any]:
    """Return plans as JSON has them, with the places of claims for their names."""
    content = {}
    for scale, (code, claims, seconds) in plans.items():
        names = sorted(claims)
        place = {name: number for number, name in enumerate(names)}
        rows = [[took, sorted(place[name] for name in needed_by & claims)] for needed_by, took in seconds.items()]
        content[scale] = {"code": code, "claims": names, "shares": rows}
    return content


def from_json(content: Mapping[str, Any]) -> Plans:
    """Return the plans that `as_json` made; raise KeyError, TypeError or ValueError where it made none of it."""
    plans = {}
    for scale, of in content.items():
        names = [str(name) for name in of["claims"]]
        found = {frozenset(names[place] for place in places): float(took) for took, places in of["shares"]}
        plans[str(scale)] = Planned(str(of["code"]), frozenset(names), found)
    return plans


def mark(files: Iterable[Path]) -> str:
    """Return a digest of what is in these files; another one wherever any of them was edited."""
    found = blake2b(digest_size=8)
    for file in sorted(set(files)):
        text = file.read_bytes()
        found.update(f"{file.name} {len(text)} ".encode() + text)
    return found.hexdigest()
