"""Searches for planted tickets in `measurements.csv.gz`: scores of every draw, and what rounds recover."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lottery.experiments.arms import Dense, Train
from lottery.report.curves import Training, training_of

RECOVERED = ("recall", "precision", "chance")  # measured round by round
Point = dict[str, dict[int, float]]  # metric -> value of each seed


class Search(NamedTuple):
    """What a search is told by: `plain` if nothing but these was asked of it, and its data has the paper's noise."""

    method: str
    share: str
    rounds: int
    plain: bool
    noise: str


WHOLE = Search("whole", "", 1, True, "")
Searches = dict[Search, Point]


class PlantedRows:
    """What was measured of searches, by network, and each search's arm with what trained it."""

    def __init__(self) -> None:
        self.networks: dict[str, Searches] = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
        self.sources: dict[tuple[str, Search], tuple[str, Training]] = {}

    def add(self, row: Mapping[str, str]) -> None:
        """Take a row, if it is of a search in a planted network."""
        if row["network"].startswith("planted-") and row["value"]:
            metric = row["metric"] + (f" {row['round']}" if row["metric"] in RECOVERED else "")
            search, seed = search_of(row), int(row["seed"])
            point = self.networks[row["network"]][search]
            point[metric][seed] = float(row["value"])
            self.sources.setdefault((row["network"], search), (row["arm"], training_of(row)))
            if metric == "strong":  # measured of every search, at the end
                point["remaining"][seed] = float(row["weights_remaining"])


def read(rows: Iterable[Mapping[str, str]]) -> PlantedRows:
    """Return what the rows of a `measurements.csv.gz` have of searches."""
    found = PlantedRows()
    for row in rows:
        found.add(row)
    return found


def search_of(row: Mapping[str, str]) -> Search:
    """Return what a row of `measurements.csv.gz` says of its search."""
    method, rounds = row["criterion"].removesuffix("_init").removesuffix("_final"), int(row["rounds"] or 1)
    if row["mask"] == Dense.kind:
        method = "whole" if row["action"] == Train.kind else "edge-popup"
    if row["annealed"] == "True":
        method = f"annealed {method}"
    if rounds == 100:  # without training between them
        method, rounds = f"{method} in 100 rounds", 1
    plain = row["scope"] in ("", "global") and row["released"] != "True" and not row["noise"]
    return Search({"large": "magnitude"}.get(method, method), row["share"], rounds, plain, row["noise"])
