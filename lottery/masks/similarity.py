"""Similarity of masks: of two of one layer, of two networks by layer and in total, of all pairs of many networks.

Two empty masks are the same mask: similarity 1, distance 0. An empty one and another have similarity 0, distance 1.
With that the Jaccard distance is a metric (Paganini & Forde 2020, section 4.1, leave it open).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.masks.mask import Masks, alike, shared

WORD, BLOCK = (
    64,
    2048,
)  # bits of a word; words of every mask that are compared at a time, so that they stay in the cache


@dataclass(frozen=True)
class Counts:
    """Numbers of weights of two masks: kept by both, by the first, by the second, and places there are."""

    both: int
    first: int
    second: int
    size: int

    def __add__(self, other: "Counts") -> "Counts":
        mine, theirs = vars(self), vars(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def jaccard(self) -> float:
        """|A & B| / |A | B|, the intersection over the union; 1 where neither keeps anything."""
        return _ratio(self.both, self.first + self.second - self.both)

    @property
    def overlap(self) -> float:
        """|A & B| / min(|A|, |B|); 1 where neither keeps anything, 0 where one does."""
        return _ratio(self.both, min(self.first, self.second) or max(self.first, self.second))

    @property
    def hamming(self) -> float:
        """The share of places where they differ; 0 where there is no place."""
        return (self.first + self.second - 2 * self.both) / max(1, self.size)

    @property
    def measures(self) -> dict[str, float]:
        """All of it by name."""
        return {"jaccard": self.jaccard, "overlap": self.overlap, "hamming": self.hamming} | vars(self)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def counts(first: Tensor, second: Tensor) -> Counts:
    """Return how many places two masks of one shape keep, together and each; raise where their shapes differ."""
    first, second = alike([first, second])
    both = int((first & second).count_nonzero())
    return Counts(both, int(first.count_nonzero()), int(second.count_nonzero()), first.numel())


def jaccard(first: Tensor, second: Tensor) -> float:
    """Return |A & B| / |A | B| of two masks of one shape: 1 for two empty ones, 0 where one is empty."""
    return counts(first, second).jaccard


def distance(first: Tensor, second: Tensor) -> float:
    """Return the Jaccard distance of two masks of one shape, 1 minus their similarity: 0 for two empty ones."""
    return 1 - jaccard(first, second)


def overlap(first: Tensor, second: Tensor) -> float:
    """Return |A & B| / min(|A|, |B|) of two masks of one shape: 1 for two empty ones, 0 where one is empty."""
    return counts(first, second).overlap


def hamming(first: Tensor, second: Tensor) -> float:
    """Return the share of places where two masks of one shape differ."""
    return counts(first, second).hamming


def similarity(first: Masks, second: Masks) -> dict[str, dict[str, float]]:
    """Return how similar two networks' masks are, by layer and of all weights together, as "total".

    Each has "jaccard", "overlap" and "hamming", and the numbers of weights that these are made of: "both", "first",
    "second" and "size". A layer that one of them lacks, or that has another shape in it, such as a head for another
    number of classes, is left out of everything, the total too. Raises where that leaves nothing to compare.
    """
    by_layer = {name: counts(first[name], second[name]) for name in shared([first, second])}
    return {name: of.measures for name, of in by_layer.items()} | {"total": _total(by_layer.values()).measures}


def _total(found: Iterable[Counts]) -> Counts:
    return sum(found, Counts(0, 0, 0, 0))


def nested(inner: Tensor | Masks, outer: Tensor | Masks) -> bool:
    """Return whether all that `inner` keeps is kept by `outer`: masks of one layer, or of two networks.

    Layers of networks that cannot be compared are left out, as in `similarity`.
    """
    if isinstance(inner, Tensor) and isinstance(outer, Tensor):
        inner, outer = alike([inner, outer])
        return not bool((inner & ~outer).any())
    if isinstance(inner, Tensor) or isinstance(outer, Tensor):
        raise LotteryError("a mask of a layer cannot be nested in those of a network; give two of one kind")
    return all(nested(inner[name], outer[name]) for name in shared([inner, outer]))


def pairwise(networks: Sequence[Masks]) -> np.ndarray:
    """Return the Jaccard similarity of all weights of every two networks, (M, M) float64, as `similarity` has it.

    Every layer is packed to bits, all networks' at once, and compared block by block.
    """
    for two in combinations(networks, 2):
        shared(two)
    both, either = (np.zeros((len(networks), len(networks)), np.int64) for _ in range(2))
    for places, masks in _layers(networks):
        found = _intersections(masks)
        kept = np.diagonal(found)
        both[np.ix_(places, places)] += found
        either[np.ix_(places, places)] += kept[:, None] + kept[None, :] - found
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def _layers(networks: Sequence[Masks]) -> list[tuple[list[int], list[Tensor]]]:
    """Return the masks of every layer, with the places of the networks that have it in this shape."""
    found: dict[tuple, tuple[list[int], list[Tensor]]] = defaultdict(lambda: ([], []))
    for place, network in enumerate(networks):
        for name, mask in network.items():
            places, masks = found[name, tuple(mask.shape)]
            places.append(place)
            masks.append(mask)
    return list(found.values())


def _intersections(masks: Sequence[Tensor]) -> np.ndarray:
    """Return how many weights every two of M masks of a layer keep both, (M, M) int64."""
    words = np.stack([_words(mask) for mask in masks])  # (M, words)
    found = np.zeros((len(masks), len(masks)), np.int64)
    for start in range(0, words.shape[1], BLOCK):
        block = np.ascontiguousarray(words[:, start : start + BLOCK])
        for place, one in enumerate(block):
            found[place, place:] += COUNTED(one & block[place:]).sum(1, dtype=np.int64)
    return np.triu(found) + np.triu(found, 1).T


def _words(mask: Tensor) -> np.ndarray:
    """Return a mask as words of 64 bits, filled up with zeros."""
    packed = np.packbits(mask.flatten().cpu().numpy())
    return np.pad(packed, (0, -len(packed) % (WORD // 8))).view(np.uint64)


def by_table(words: np.ndarray) -> np.ndarray:
    """Return how many bits of words are set, of every 16 of them apart: for numpy 1, which has no such function."""
    return _table()[words.view(np.uint16)]


@cache
def _table() -> np.ndarray:
    return np.array([value.bit_count() for value in range(2**16)], np.uint8)


COUNTED: Callable[[np.ndarray], np.ndarray] = getattr(np, "bitwise_count", by_table)
