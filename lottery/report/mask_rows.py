"""Masks in `measurements.csv.gz`: what every two that were compared have in common, what one keeps of its layers."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, product
from statistics import fmean
from typing import NamedTuple

from lottery.claims.mask_quantities import TOTAL, chance, similarity
from lottery.core.errors import LotteryError
from lottery.experiments.arms import Compare, Survey
from lottery.experiments.measurements import COUNTED
from lottery.report.curves import Source, training_of

SURVEYED = ("kept", "weights")  # of a layer of one mask
OF_PAIR = re.compile(rf"({'|'.join(COUNTED)}) of (\d+) and (\d+) in (.+)")
OF_LAYER = re.compile(rf"(.+) ({'|'.join(SURVEYED)})")
Row = Mapping[str, str]
Counts = dict[str, dict[str, int]]  # layer -> name of a count -> number of weights
Seeds = dict[str, Counts]


class Mask(NamedTuple):
    """Whose mask it is: of an arm, by its name without a task, on a data set."""

    technique: str
    task: str


class Place(NamedTuple):
    """Where two masks were compared: after so many rounds of what trained networks."""

    trained: str
    round: int
    masks: frozenset[Mask]


class Similar(NamedTuple):
    """How similar two masks are, by seed, beside what chance in the same layers would make of it."""

    measured: dict[int, float]
    by_chance: dict[int, float]


class Group(NamedTuple):
    """Masks of which every two were compared, at each of some rounds.

    They are told apart `by` "technique", and `shared` is their task, or by "task", and it is their technique.
    """

    trained: str
    by: str
    shared: str
    masks: tuple[Mask, ...]
    rounds: tuple[int, ...]

    def within(self, other: "Group") -> bool:
        """Return whether another group has all of this one's masks at all of its rounds, and more."""
        inside = set(self.masks) <= set(other.masks) and set(self.rounds) <= set(other.rounds)
        return inside and self[:3] == other[:3] and self != other


@dataclass
class MaskRows:
    """What was measured of masks.

    pairs     of every two at a place: the counts of each seed, by layer and in total
    compared  by what trained the networks and by the masks of one comparison, in its order: its rounds
    surveyed  by what trained the networks, mask and round: the counts of each seed, by layer
    sources   the arms that compared two masks at a place, or surveyed a mask, each with what trained it
    """

    pairs: dict[Place, Seeds] = field(default_factory=dict)
    compared: dict[tuple[str, tuple[Mask, ...]], set[int]] = field(default_factory=lambda: defaultdict(set))
    surveyed: dict[tuple[str, Mask], dict[int, Seeds]] = field(default_factory=dict)
    sources: dict[Place | tuple[str, Mask], dict[Source, None]] = field(default_factory=lambda: defaultdict(dict))

    def add_compared(self, row: Row) -> None:
        """Take a count of two masks; all else in the rows of a comparison is left alone."""
        masks, found = _masks(row["masks_of"], row["tasks"], row["dataset"]), OF_PAIR.fullmatch(row["metric"])
        if found:
            pair = frozenset(masks[int(number)] for number in found.group(2, 3))
            place = Place(_trained(row), int(row["round"]), pair)
            seeds = self.pairs.setdefault(place, {})
            seeds.setdefault(row["seed"], {}).setdefault(found[4], {})[found[1]] = int(row["value"])
            self.compared[place.trained, masks].add(place.round)
            self.sources[place][row["arm"], training_of(row)] = None

    def add_surveyed(self, row: Row) -> None:
        """Take a count of one mask's layer; all else that a survey measures is left alone."""
        (mask,), found = _masks(row["masks_of"], row["tasks"], row["dataset"]), OF_LAYER.fullmatch(row["metric"])
        if found:
            rounds = self.surveyed.setdefault((_trained(row), mask), {})
            seeds = rounds.setdefault(int(row["round"]), {})
            seeds.setdefault(row["seed"], {}).setdefault(found[1], {})[found[2]] = int(row["value"])
            self.sources[_trained(row), mask][row["arm"], training_of(row)] = None

    def lacking(self) -> Iterator[str]:
        """Yield what is known in part only: layers and pairs of which a count is missing."""
        for (trained, masks), rounds in self.compared.items():
            for pair, round in product(combinations(set(masks), 2), rounds):
                seeds = self.pairs.get(Place(trained, round, frozenset(pair)), {})
                if not _complete(seeds, COUNTED, {TOTAL}):
                    yield f"{pair[0].technique} and {pair[1].technique} at round {round}"
        for (_, mask), surveyed in self.surveyed.items():
            layers = {layer for seeds in surveyed.values() for counts in seeds.values() for layer in counts}
            yield from (
                f"{mask.technique} at round {round}"
                for round, seeds in surveyed.items()
                if not _complete(seeds, SURVEYED, layers)
            )

    def similar(self, place: Place) -> Similar:
        """Return how similar the two masks of a place are."""
        by_seed = {
            int(seed): {layer: [of[name] for name in COUNTED] for layer, of in counts.items()}
            for seed, counts in self.pairs[place].items()
        }
        return Similar(*({seed: of(by_seed[seed]) for seed in sorted(by_seed)} for of in (_in_total, _by_chance)))

    def kept(self, place: Place) -> list[float]:
        """Return the per cent of all weights that each of the two masks of a place keeps, means over seeds."""
        totals = [counts[TOTAL] for counts in self.pairs[place].values()]
        return [100 * fmean(total[name] / total["weights"] for total in totals) for name in COUNTED[1:3]]

    def groups(self, fewest: int = 3) -> list[Group]:
        """Return the groups of at least `fewest` masks that comparisons have, those aside that lie within another.

        Masks by technique are those of a whole comparison, if all are of one task; masks by task are those of one
        technique in it, whatever else it compares.
        """
        rounds: dict[tuple[str, str, str, frozenset[Mask]], set[int]] = defaultdict(set)
        ordered: dict[frozenset[Mask], tuple[Mask, ...]] = {}
        for (trained, masks), compared_at in self.compared.items():
            for by, shared, members in _alike(masks):
                if len(members) >= fewest:
                    ordered.setdefault(frozenset(members), members)
                    rounds[trained, by, shared, frozenset(members)] |= compared_at
        found = [
            Group(trained, by, shared, ordered[members], tuple(sorted(at)))
            for (trained, by, shared, members), at in rounds.items()
        ]
        return sorted(group for group in found if not any(map(group.within, found)))


def read(rows: Iterable[Row], file: str) -> MaskRows:
    """Return what rows of a `measurements.csv.gz`, called `file`, have of masks. Raises where they are damaged."""
    found = MaskRows()
    take = {Compare.kind: found.add_compared, Survey.kind: found.add_surveyed}
    for row in rows:
        try:
            if row["action"] in take:
                take[row["action"]](row)
        except (ValueError, IndexError):  # no number, or other places than masks
            raise LotteryError(f"{file}: {_damaged('a row of ' + row['arm'])}") from None
    for what in found.lacking():
        raise LotteryError(f"{file}: {_damaged(f'a row of {what}')}")
    return found


def _damaged(what: str) -> str:
    return f"{what} is damaged or missing; run the benchmarks again, which trains nothing that the store has"


@cache
def _masks(techniques: str, tasks: str, dataset: str) -> tuple[Mask, ...]:
    """Return whose masks a row is about; a mask without a task of its own is of the row's data set."""
    own = dataset.partition(", ")[0]
    pairs = zip(techniques.split("; "), tasks.split("; "), strict=True)
    return tuple(Mask(technique, task or own) for technique, task in pairs)


def _trained(row: Row) -> str:
    """Return what trained a row's networks, but for the task: network, preprocessing, iterations and optimiser."""
    preprocessing = row["dataset"].partition(", ")[2]
    words = [row["network"], preprocessing, f"{int(row['iterations']):,} iterations of {row['optimiser']}"]
    return ", ".join(filter(None, words))


def _complete(seeds: Seeds, names: Iterable[str], layers: set[str]) -> bool:
    """Return whether every seed has all layers that another one has, these at least, and all counts of each."""
    layers = layers.union(*seeds.values())
    return bool(seeds) and all(
        set(counts) == layers and all(set(of) == set(names) for of in counts.values()) for counts in seeds.values()
    )


def _in_total(counts: dict[str, list[int]]) -> float:
    return similarity(counts[TOTAL])


def _by_chance(counts: dict[str, list[int]]) -> float:
    return chance(counts, by_layer=True)


def _alike(masks: Iterable[Mask]) -> Iterator[tuple[str, str, tuple[Mask, ...]]]:
    """Yield the masks of a comparison that have a task in common, if all have, and those that have a technique."""
    distinct = tuple(dict.fromkeys(masks))
    if len({mask.task for mask in distinct}) == 1:
        yield "technique", distinct[0].task, distinct
    for technique in dict.fromkeys(mask.technique for mask in distinct):
        yield "task", technique, tuple(mask for mask in distinct if mask.technique == technique)
