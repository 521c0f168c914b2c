"""What is still to be computed, and in which order: kept up to date change by change, never worked out anew.

Nodes are known only through the functions that a queue is made with. A node's height is the steps of the longest chain
of missing nodes that it begins: long chains first keeps all workers busy to the end.
"""

import heapq
from collections.abc import Callable, Hashable, Iterable, Iterator

from lottery.experiments.offers import Entry, Node, Offers


class Queue(Offers[Node]):
    """What is still to be computed and in which order; every operation costs as much as it changes.

    `parents` may not lead in circles, `name` decides between nodes of equal turn and height. `failed` says why for each
    node that cannot be had.
    """

    def __init__(
        self,
        parents: Callable[[Node], tuple[Node, ...]],
        batch_key: Callable[[Node], Hashable],
        steps: Callable[[Node], int],
        name: Callable[[Node], tuple],
        turn: Callable[[Node], int] = lambda node: 0,
    ):
        super().__init__(batch_key, name, turn)
        self._parents, self._steps = parents, steps
        self.failed: dict[Node, str] = {}
        self._missing = 0

    def __len__(self) -> int:
        """Return how many nodes are missing."""
        return self._missing

    def __contains__(self, node: Node) -> bool:
        """Return whether a node is missing."""
        entry = self._entries.get(node)
        return entry is not None and entry.missing

    def add(self, nodes: Iterable[Node], done: Callable[[Node], bool]) -> None:
        """Add nodes, finished before or not, and their ancestors as far as they are not done.

        What is missing already is not looked at again. What failed stays failed, and what rests on it fails at once.
        """
        added: list[Entry[Node]] = []  # each after what it rests on
        for node in nodes:
            entry = self._entry(node)
            trail = [] if entry.missing or node in self.failed else [(entry, self._enter(entry))]
            while trail:
                parent = next((parent for parent in trail[-1][1] if self._lacks(parent, done)), None)
                if parent is None:
                    added.append(trail.pop()[0])
                else:
                    trail.append((parent, self._enter(parent)))
        for entry in reversed(added):
            entry.height = self._height(entry)
        self._settle({parent for entry in added for parent in entry.parents}.difference(added))
        for entry in added:
            for child in entry.children:
                self._withdraw(child)  # it was ready until its parent came back
            if entry.ready:
                self._offer(entry)
        for entry in added if self.failed else ():
            for parent in entry.parents:
                if parent.node in self.failed:
                    self.fail(entry.node, self.failed[parent.node])

    def finish(self, node: Node) -> None:
        """Take out a node that is done. Nothing happens if it is not missing."""
        entry = self._entries.get(node)
        if entry is None or not entry.missing:
            return
        self._remove(entry)
        for child in entry.children:
            if child.ready:
                self._offer(child)
        self._settle(entry.parents)  # missing only where they came back while this was being computed

    def fail(self, node: Node, why: str) -> list[Node]:
        """Take out a node that cannot be had, and return what fails with it: all that is missing and rests on it."""
        entry = self._entries.get(node)
        if entry is None or not entry.missing:
            return []
        self._remove(entry)
        lost = [entry]
        for entry in lost:  # which grows meanwhile
            self.failed[entry.node] = why
            for child in entry.children:
                if child.missing:
                    self._remove(child)
                    lost.append(child)
        self._settle(parent for entry in lost for parent in entry.parents)
        return [entry.node for entry in lost[1:]]

    def _entry(self, node: Node) -> Entry[Node]:
        entry = self._entries.get(node)
        if entry is None:
            entry = self._entries[node] = Entry(node, len(self._entries))
        return entry

    def _lacks(self, entry: Entry[Node], done: Callable[[Node], bool]) -> bool:
        """Return whether an ancestor has to be added."""
        if entry.missing:
            return False
        if done(entry.node):
            self.failed.pop(entry.node, None)  # another worker had more luck
            return False
        return entry.node not in self.failed

    def _enter(self, entry: Entry[Node]) -> Iterator[Entry[Node]]:
        """Make an entry missing, and return an iterator over its parents."""
        if not entry.entered:
            entry.entered, entry.steps = True, self._steps(entry.node)
            entry.parents = tuple(self._entry(parent) for parent in dict.fromkeys(self._parents(entry.node)))
            for parent in entry.parents:
                parent.children.append(entry)
        entry.missing = True
        self._missing += 1
        return iter(entry.parents)

    def _remove(self, entry: Entry[Node]) -> None:
        """Make an entry no longer missing."""
        self._withdraw(entry)
        entry.missing = False
        self._missing -= 1

    def _height(self, entry: Entry[Node]) -> int:
        return entry.steps + max((child.height for child in entry.children if child.missing), default=0)

    def _settle(self, entries: Iterable[Entry[Node]]) -> None:
        """Make the heights right again, of these entries and of all that they rest on, where they are missing."""
        unsettled = {entry for entry in entries if entry.missing}
        ranks = [(entry.height, entry.serial, entry) for entry in unsettled]
        heapq.heapify(ranks)  # the lowest first: parents after all of their children, so that each is seen once
        while ranks:
            entry = heapq.heappop(ranks)[-1]
            unsettled.discard(entry)
            height = self._height(entry)
            if height == entry.height:
                continue
            entry.height = height
            if entry.place is not None:
                self._offer(entry)
            for parent in entry.parents:
                if parent.missing and parent not in unsettled:
                    unsettled.add(parent)
                    heapq.heappush(ranks, (parent.height, parent.serial, parent))
