"""What all figures of a run share: which of the paper's networks a training stands for, and who rests on an arm."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lottery.claims.statistics import ANSWERS
from lottery.report.published_points import Point, published_points

FEW = 4  # claims that a point leads to
OF_ROUND = re.compile(r"(.*), round \d+")
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
        return ANALOGUE if any(analogue for of in found for _, analogue in of) else ""

    def published(self, quantity: str, network: str, shown: Iterable[str]) -> list[Point]:
        """Return the papers' points of a quantity and a paper's network, of these series."""
        series = {"", *shown}
        return [
            point
            for point in self.points
            if point.quantity == quantity and point.network == network and point.series in series
        ]

    @cached_property
    def _resting(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for result in self.results:
            names = {_arm(name) for name in result["arms"]}
            for name in names:
                found.setdefault(name, []).append(result["id"])
        return found

    def lineage(self, arm: str, trained: str) -> dict[str, Any]:
        """Return where an arm's points come from, and a few of the claims that rest on it."""
        origin = f"{trained}: the rows of measurements.csv.gz whose arm is “{arm}”"
        return {"origin": origin, "claims": self._resting.get(arm, [])[:FEW]}


def _arm(name: str) -> str:
    """Return the arm that a term of a claim's quantity is of."""
    found = OF_ROUND.match(name)
    return found[1] if found else name.rpartition(", ")[0]


def told(points: Sequence[Point]) -> str:
    """Return what the papers print, in words that go below a figure."""
    if not points:
        return ""
    words = [f"{f'at {point.x:g} %, ' if point.x else ''}{point.says} ({point.place})" for point in points]
    return f" ◇ printed: {'; '.join(words)}."
