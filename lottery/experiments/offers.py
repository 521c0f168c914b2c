"""What can be computed now, by batches, the best first; what other workers are computing is set apart."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Node = TypeVar("Node", bound=Hashable)
BLOCK = 512  # places that a block is cut down to when it has twice as many


class Shelf:
    """Places in ascending order, in blocks, so that few move when one comes or goes; `held` counts those set apart."""

    def __init__(self) -> None:
        self.blocks: list[list[tuple]] = []
        self.offered = self.held = 0

    def _block(self, place: tuple) -> int:
        return bisect_left(self.blocks, place, key=lambda block: block[-1])

    def put(self, place: tuple) -> None:
        """Add a place."""
        if not self.blocks:
            self.blocks.append([])
        at = min(self._block(place), len(self.blocks) - 1) if self.offered else 0
        insort(self.blocks[at], place)
        if len(self.blocks[at]) > 2 * BLOCK:
            self.blocks[at : at + 1] = [self.blocks[at][:BLOCK], self.blocks[at][BLOCK:]]
        self.offered += 1

    def take(self, place: tuple) -> None:
        """Remove a place, which is there."""
        at = self._block(place)
        del self.blocks[at][bisect_left(self.blocks[at], place)]
        if not self.blocks[at]:
            del self.blocks[at]
        self.offered -= 1

    def walk(self) -> Iterator[tuple]:
        """Yield the places in order; places may come and go meanwhile, and one that has gone may still be yielded."""
        last: tuple = ()
        while (at := bisect_right(self.blocks, last, key=lambda block: block[-1])) < len(self.blocks):
            block = self.blocks[at][bisect_right(self.blocks[at], last) :]
            yield from block
            last = block[-1]


@dataclass(eq=False, slots=True)
class Entry(Generic[Node]):
    """What is known about a node. Compared by identity, since a node may be slow to hash and to compare."""

    node: Node
    serial: int
    parents: tuple[Entry[Node], ...] = ()
    children: list[Entry[Node]] = field(default_factory=list)
    entered: bool = False  # whether it has ever been missing: its parents and steps are known from then on
    missing: bool = False
    steps: int = 0
    height: int = 0
    batch: Shelf | None = None
    place: tuple | None = None  # (turn, -height, name, serial, itself) in its batch; None: it is not on offer

    @property
    def ready(self) -> bool:
        """Whether it can be computed now."""
        return self.missing and not any(parent.missing for parent in self.parents)


class Offers(Generic[Node]):
    """The ready nodes, on offer or held; in order of ascending turn, then descending height, then ascending name."""

    def __init__(
        self, batch_key: Callable[[Node], Hashable], name: Callable[[Node], tuple], turn: Callable[[Node], int]
    ):
        self._batch_key, self._name, self._turn = batch_key, name, turn
        self._entries: dict[Node, Entry[Node]] = {}
        self._batches: dict[Hashable, Shelf] = {}
        self._held: dict[Entry[Node], None] = {}  # those first that were not looked at for longest

    def batches(self) -> Iterator[Hashable]:
        """Yield the keys of batches with nodes on offer, in the order that their best nodes have at the first step."""
        ranks = [(batch.blocks[0][0], key, batch) for key, batch in self._batches.items() if batch.offered]
        heapq.heapify(ranks)
        while ranks:
            _, key, batch = heapq.heappop(ranks)
            if batch.offered:
                yield key

    def ready(self, batch_key: Hashable) -> Iterator[Node]:
        """Yield the nodes of a batch that are on offer, best first.

        Anything may be done to the queue meanwhile; what comes on offer meanwhile may be left to the next call.
        """
        batch = self._batches.get(batch_key)
        for place in batch.walk() if batch else ():
            entry = place[-1]
            if entry.place is place:
                yield entry.node

    def count(self, batch_key: Hashable) -> int:
        """Return how many nodes of a batch are ready, on offer or held."""
        batch = self._batches.get(batch_key)
        return batch.offered + batch.held if batch else 0

    def hold(self, node: Node) -> None:
        """Take a ready node off offer, as another worker computes it, or put it last among those held."""
        entry = self._entries.get(node)
        if entry is not None and entry.batch is not None and entry.ready:
            self._withdraw(entry)
            self._held[entry] = None
            entry.batch.held += 1

    def held(self) -> Iterator[Node]:
        """Yield the held nodes, those first that were held first. Anything may be done to the queue meanwhile."""
        for entry in tuple(self._held):
            if entry in self._held:
                yield entry.node

    def release(self, node: Node) -> None:
        """Put a held node on offer again. Nothing happens if it is not held."""
        entry = self._entries.get(node)
        if entry is not None and entry in self._held:
            self._offer(entry)

    def _offer(self, entry: Entry[Node]) -> None:
        """Put a ready entry on offer, where it belongs now."""
        self._withdraw(entry)
        if entry.batch is None:
            entry.batch = self._batches.setdefault(self._batch_key(entry.node), Shelf())
        entry.place = (self._turn(entry.node), -entry.height, self._name(entry.node), entry.serial, entry)
        entry.batch.put(entry.place)

    def _withdraw(self, entry: Entry[Node]) -> None:
        """Neither offer nor hold an entry any more."""
        if entry.batch is not None and entry.place is not None:
            entry.batch.take(entry.place)
            entry.place = None
        elif entry.batch is not None and entry in self._held:
            del self._held[entry]
            entry.batch.held -= 1
