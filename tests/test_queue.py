"""The queue offers what working everything out anew would, in the same order, whatever has happened before."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lottery.experiments import offers
from lottery.experiments.queue import Queue


@dataclass(eq=False)
class Node:
    """A node that says what it rests on and what it costs. Two of the same number are equal, as experiments are."""

    number: int
    parents: tuple["Node", ...] = ()
    steps: int = 1
    batch: str = "a"
    turn: int = 0

    def __hash__(self):
        return self.number

    def __eq__(self, other):
        return self.number == other.number

    def line(self):
        """Return the node and all its ancestors."""
        return {self}.union(*(parent.line() for parent in self.parents))

    def __repr__(self):
        return f"{self.number}{self.batch}" + "".join(f"<{parent.number}" for parent in self.parents)


def queue():
    def parents(node):
        return tuple(replace(parent) for parent in node.parents)

    return Queue(parents, lambda n: n.batch, lambda n: n.steps, lambda n: (n.number,), lambda n: n.turn)


class Plain:
    """The oracle: the same rules, everything worked out anew whenever it is asked for."""

    def __init__(self):
        self.missing, self.failed, self.held = set(), {}, []

    def add(self, nodes, done):
        for node in nodes:
            if node not in self.missing and node not in self.failed:
                self.missing.add(node)
                for parent in node.parents:
                    if parent in done and parent not in self.missing:
                        self.failed.pop(parent, None)
                self.add([parent for parent in node.parents if parent not in done], done)
        self._spread()

    def _spread(self):
        while lost := {node: parent for node in self.missing for parent in node.parents if parent in self.failed}:
            self.failed |= {node: self.failed[parent] for node, parent in lost.items()}
            self.missing -= set(lost)

    def fail(self, node, why):
        before = set(self.missing)
        self.failed[node] = why
        self.missing.discard(node)
        self._spread()
        return before - self.missing - {node}

    def height(self, node):
        return node.steps + max((self.height(child) for child in self.missing if node in child.parents), default=0)

    def ready(self):
        ready = [node for node in self.missing if not self.missing & set(node.parents)]
        self.held = [node for node in self.held if node in ready]
        return sorted(ready, key=lambda node: (node.turn, -self.height(node), node.number))

    def offered(self):
        return [node for node in self.ready() if node not in self.held]


@st.composite
def graphs(draw, most=16):
    """Nodes, each after those it rests on, of up to three parents."""
    nodes = []
    for number in draw(st.permutations(range(draw(st.integers(1, most))))):
        parents = draw(st.lists(st.sampled_from(nodes), max_size=3, unique=True)) if nodes else []
        nodes.append(
            Node(number, tuple(parents), draw(st.integers(0, 4)), draw(st.sampled_from("abc")), draw(st.integers(0, 1)))
        )
    return nodes


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    """Blocks so small that they are cut and used up all the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offers, "BLOCK", 1)
        yield


class LikeTheOracle(RuleBasedStateMachine):
    """Adding, finishing, failing, holding and releasing in any order, the oracle beside it."""

    @initialize(nodes=graphs(), data=st.data())
    def begin(self, nodes, data):
        self.nodes, self.queue, self.plain = nodes, queue(), Plain()
        self.done, self.causes = data.draw(st.sets(st.sampled_from(nodes))), set()
        self.add(data)

    def some(self, data, among):
        return data.draw(st.sampled_from(sorted(among, key=lambda node: node.number)))

    @rule(data=st.data())
    def add(self, data):
        """What is added may have been done; what it rests on may be lost, or done elsewhere though it failed here."""
        added = data.draw(st.lists(st.sampled_from(self.nodes), max_size=8))
        self.done |= set(self.plain.failed) if data.draw(st.booleans()) else set()
        self.done -= {*added, *data.draw(st.sets(st.sampled_from(self.nodes), max_size=2))}
        self.queue.add(added, self.done.__contains__)
        self.plain.add(added, self.done)

    @precondition(lambda self: self.plain.missing)
    @rule(data=st.data(), early=st.integers(0, 4))
    def finish(self, data, early):
        """Most often what is ready; another worker may have begun before a parent was lost."""
        node = self.some(data, self.plain.ready() if early else self.plain.missing)
        self.queue.finish(node)
        self.plain.missing.discard(node)
        self.done.add(node)

    @precondition(lambda self: self.plain.missing)
    @rule(data=st.data(), why=st.sampled_from(["broken", "too large"]))
    def fail(self, data, why):
        node = self.some(data, self.plain.missing)
        self.causes.add((node, why))
        lost, expected = self.queue.fail(node, why), self.plain.fail(node, why)
        assert len(lost) == len(expected) and set(lost) == expected

    @precondition(lambda self: self.plain.missing)
    @rule(data=st.data())
    def hold(self, data):
        """A node that is not ready is not held."""
        node = self.some(data, self.plain.missing)
        self.queue.hold(node)
        self.plain.held = [other for other in self.plain.held if other != node] + [node]

    @rule(data=st.data())
    def release(self, data):
        node = self.some(data, self.nodes)
        self.queue.release(node)
        self.plain.held = [other for other in self.plain.held if other != node]

    @rule(data=st.data())
    def nothing_to_finish(self, data):
        """Finishing and failing what is not missing changes nothing."""
        node = self.some(data, self.nodes)
        if node not in self.plain.missing:
            self.queue.finish(node)
            assert self.queue.fail(node, "late") == []

    @invariant()
    def same(self):
        offered, ready = self.plain.offered(), self.plain.ready()
        assert list(self.queue.batches()) == list(dict.fromkeys(node.batch for node in offered))
        for batch in "abc":
            assert list(self.queue.ready(batch)) == [node for node in offered if node.batch == batch]
            assert self.queue.count(batch) == sum(node.batch == batch for node in ready)
        assert list(self.queue.held()) == self.plain.held
        assert {node for node in self.nodes if node in self.queue} == self.plain.missing
        assert len(self.queue) == len(self.plain.missing)
        assert set(self.queue.failed) == set(self.plain.failed)
        for node, why in self.queue.failed.items():
            assert any((cause, why) in self.causes for cause in node.line())


TestLikeTheOracle = LikeTheOracle.TestCase
TestLikeTheOracle.settings = settings(deadline=None, max_examples=150, stateful_step_count=25)


@settings(deadline=None, max_examples=150)
@given(nodes=graphs(), data=st.data())
def test_everything_is_offered_once_and_after_its_parents(nodes, data):
    """To the end of the work, whoever takes how many from which batch."""
    one, done = queue(), []
    one.add(nodes, lambda node: False)
    while len(one):
        batch = data.draw(st.sampled_from(list(one.batches())))
        for node, _ in zip(one.ready(batch), range(data.draw(st.integers(1, 4)))):
            assert node not in done and set(node.parents) <= set(done)
            one.finish(node)
            done.append(node)
    assert len(done) == len(nodes) and not list(one.batches()) and not any(map(one.count, "abc"))


@settings(deadline=None, max_examples=300)
@given(nodes=graphs(most=24), data=st.data())
def test_anything_may_happen_during_iteration(nodes, data):
    """Only what is on offer is yielded, and what keeps its place on offer throughout is yielded exactly once."""
    one, plain, done, seen = queue(), Plain(), set(), []
    some = st.sampled_from(nodes)
    added = data.draw(st.lists(some, min_size=1))
    one.add(added, done.__contains__)
    plain.add(added, done)
    batch = next(one.batches())
    stayed = {node: plain.height(node) for node in plain.offered() if node.batch == batch}
    for node in one.ready(batch):
        assert node in plain.offered()
        seen.append(node)
        for action in data.draw(
            st.lists(st.sampled_from(["finish", "finish this", "fail", "hold", "add"]), max_size=2)
        ):
            chosen = node if action == "finish this" else data.draw(some)
            if action == "add":
                one.add([chosen], done.__contains__)
                plain.add([chosen], done)
            elif action == "fail" and chosen in plain.missing:
                one.fail(chosen, "broken")
                plain.fail(chosen, "broken")
            elif action == "hold" and chosen in plain.ready():
                one.hold(chosen)
                plain.held.append(chosen)
            elif action.startswith("finish") and chosen in plain.missing:
                one.finish(chosen)
                plain.missing.discard(chosen)
                done.add(chosen)
            offered = plain.offered()
            stayed = {node: height for node, height in stayed.items() if node in offered}
            stayed = {node: height for node, height in stayed.items() if plain.height(node) == height}
    assert all(seen.count(node) == 1 for node in stayed)


def test_held_nodes_are_looked_at_in_turn():
    """Each once before any of them again, also where one is finished meanwhile; a released one is on offer again."""
    nodes, looked = [Node(number) for number in range(5)], []
    one = queue()
    one.add(nodes, lambda node: False)
    for node in one.ready("a"):
        one.hold(node)
    assert not list(one.batches()) and one.count("a") == 5
    for _ in range(2):
        for node, _ in zip(one.held(), range(2)):
            looked.append(node)
            one.hold(node)
    assert looked == nodes[:4]
    for node in one.held():
        one.finish(nodes[0])
        assert node != nodes[0]
    one.release(nodes[3])
    assert list(one.ready("a")) == [nodes[3]] and one.count("a") == 4


def test_long_chains():
    """Longer than Python's stack is deep; the end deepens when more is added, and the beginning may come back."""
    chain = [Node(0)]
    for number in range(1, 3_000):
        chain.append(Node(number, (chain[-1],)))
    one = queue()
    one.add([chain[2_000], Node(-1, steps=2_500)], lambda node: False)
    assert len(one) == 2_002 and next(one.ready("a")).number == -1
    one.add([chain[-1]], lambda node: False)
    assert len(one) == 3_001 and next(one.ready("a")) == chain[0]
    for node in chain[:2_000]:
        one.finish(node)
    one.add([chain[0]], lambda node: False)
    assert [node.number for node in one.ready("a")] == [-1, 2_000, 0]
    assert len(one.fail(chain[2_000], "broken")) == 999 and len(one) == 2
