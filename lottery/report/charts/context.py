"""What all figures of a run share: which of the paper's networks a training stands for, and who rests on an arm."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lottery.claims.statistics import ANSWERS
from lottery.report.curves import Source, Training
from lottery.report.published_points import Point, published_points

WHAT = {"gain": "accuracy", "speed": "early stop", "share": "planted ticket"}  # what a point is of; else its series
BEYOND = "Beyond the papers"
ANALOGUE = "Smaller data, network or training than the paper's: no verdict on the paper."


@dataclass
class Context:
    """A run's results, for those who draw its measurements."""

    results: Sequence[Mapping]
    own: Mapping[str, Sequence[str]] = field(default_factory=dict)  # names of the user's own, by their contest
    points: Sequence[Point] = field(default_factory=published_points)

    @cached_property
    def _stands_for(self) -> dict[tuple[str, str], Counter[tuple[str, bool]]]:
        found: dict[tuple[str, str], Counter[tuple[str, bool]]] = {}
        for result in self.results:
            if result["trained_network"] and result["network"] and result["verdict"] in ANSWERS:
                place = result["trained_network"], result["dataset"]
                found.setdefault(place, Counter())[result["network"], bool(result["analogue"])] += 1
        return found

    def network(self, network: str, dataset: str) -> str:
        """Return the paper's network that one stands for on a data set, or its own name."""
        found = self._stands_for.get((network, dataset))
        return found.most_common(1)[0][0][0] if found else network

    def analogue(self, network: str, dataset: str = "") -> str:
        """Return why what is measured of a network on a data set, or on any, is no verdict on a paper, or nothing."""
        found = (of for place, of in self._stands_for.items() if place == (network, dataset or place[1]))
        marked = any(analogue for of in found for _, analogue in of)
        return (
            ANALOGUE
            if marked or any(place == (network, dataset or place[1]) for place in self._read_by_analogues)
            else ""
        )

    @cached_property
    def _read_by_analogues(self) -> set[tuple[str, str]]:
        """Networks and data that claims read which are analogues: they may be others than the claims' own."""
        answered = (one for one in self.results if one["analogue"] and one["verdict"] in ANSWERS)
        return {(of["network"], of["dataset"]) for one in answered for of in one.get("rests_on", ())}

    def place(self, paper: str, place: str, training: Training) -> tuple[str, str]:
        """Return of which paper a figure of a training is, and where it stands there: none whose claims do not read it.

        Results of an earlier version do not say which claims do; they are believed.
        """
        readers = {
            self._titles[claim]
            for (source, _), claims in self._resting.items()
            if source[1] == training
            for claim in claims
        }
        asked = not self._resting or any(title.startswith(paper) for title in readers)
        return (paper, place) if asked or paper == BEYOND else (BEYOND, "")

    def published(self, quantity: str, network: str, shown: Iterable[str]) -> list[Point]:
        """Return the papers' points of a quantity and a paper's network, of these series."""
        series = {"", *shown}
        return [
            point
            for point in self.points
            if point.quantity == quantity and point.network == network and point.series in series
        ]

    @cached_property
    def _resting(self) -> dict[tuple[Source, bool], dict[str, list[int]]]:
        """By what is measured and whether claims read it, or only need it for others' masks: their rounds of it."""
        found: dict[tuple[Source, bool], dict[str, list[int]]] = {}
        for result in self.results:
            for ground in result.get("rests_on", ()):  # results of an earlier version do not say it
                training = Training(*(str(ground[name]) for name in Training._fields))
                found.setdefault(((ground["arm"], training), ground["read"]), {})[result["id"]] = ground["rounds"]
        return found

    @cached_property
    def _titles(self) -> dict[str, str]:
        return {result["id"]: result["title"] for result in self.results}

    def lineage(self, paper: str, *sources: Source) -> dict[str, Any]:
        """Return where points come from, and the rounds that claims read of it, by claim: a paper's own first.

        Where none reads it, the claims are those that train it because the masks of others come from it.
        """
        found: dict[str, set[int]] = {}
        read = any((source, True) in self._resting for source in sources)
        for source in sources:
            for claim, rounds in self._resting.get((source, read), {}).items():
                found.setdefault(claim, set()).update(rounds)
        theirs = {claim: not self._titles[claim].startswith(paper) for claim in found}
        (arm, training), *others = sources
        also = f", and of {len(others)} other{'s' * (len(others) > 1)} that say the same" if others else ""
        return {
            "origin": f"{training.told}: the rows of measurements.csv.gz whose arm is “{arm}”{also}",
            "read": read,
            "claims": {claim: sorted(found[claim]) for claim in sorted(found, key=theirs.__getitem__)},
        }


def told(points: Sequence[Point]) -> str:
    """Return what the papers print, in words that go below a figure."""
    if not points:
        return ""
    words = []
    for point in points:
        size = f" at {point.x:g} %" if point.x else ""
        words.append(f"{WHAT.get(point.quantity, point.series)}{size}: {point.says} ({point.place})")
    return f" ◇ printed: {'; '.join(words)}."
