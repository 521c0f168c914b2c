"""What a plan found: any selection of its claims takes what it needs, once, and with other code nothing is known."""

import json
import random
from types import SimpleNamespace

import pytest

from lottery.experiments.planned import Planned, as_json, from_json, mark, remember, settle, shares
from lottery.experiments.scales import SCALES
from lottery.experiments.speeds import Speeds
from lottery.plugin.session import Options, Session

NEEDS = {"a.one": {"x", "y"}, "a.two": {"y", "z"}, "a.three": {"z"}, "a.four": set()}  # networks, by claim
PRICES = {"x": 100.0, "y": 10.0, "z": 1.0}


def planned(code="code", needs=NEEDS):
    return Planned(code, frozenset(needs), shares(needs, PRICES.__getitem__))


def test_a_selection_takes_what_its_claims_need_together():
    """Whatever they share with each other and with others; what some of them have settled, none of them takes."""
    generator = random.Random(0)
    prices = {one: generator.uniform(0, 9) for one in range(20)}
    for _ in range(50):
        needs = {str(claim): set(generator.sample(range(20), generator.randrange(12))) for claim in range(8)}
        found = Planned("", frozenset(needs), shares(needs, prices.__getitem__))
        chosen, done = (set(generator.sample(sorted(needs), generator.randrange(9))) for _ in range(2))
        there = set().union(*(needs[claim] for claim in done))
        wanted = set().union(*(needs[claim] for claim in chosen))
        assert found.seconds(chosen) == pytest.approx(sum(prices[one] for one in wanted))
        assert found.settled(done).seconds(chosen) == pytest.approx(sum(prices[one] for one in wanted - there))
        again = from_json(json.loads(json.dumps(as_json({"reduced": found}))))
        assert again == {"reduced": found} and found.seconds([*chosen, "unknown"]) is None


def test_a_plan_of_more_claims_stays_unless_the_code_is_another():
    """And what is settled with other code settles nothing of it."""
    plans = {}
    few = planned(needs={"a.one": {"x"}})
    for one, stays in ((few, few), (planned(), planned()), (few, planned()), (few._replace(code="new"),) * 2):
        remember(plans, "reduced", one)
        assert plans == {"reduced": stays}
    settle(plans, "reduced", "code", {"a.one"})
    assert plans == {"reduced": Planned("code", frozenset({"a.one"}), {})}


def test_a_mark_is_another_one_after_an_edit(tmp_path):
    """Of any of the files."""
    files = [tmp_path / name for name in ("a.py", "b.py")]
    for file in files:
        file.write_text("1")
    before = mark(files)
    assert mark(reversed(files)) == before
    files[1].write_text("2")
    assert mark(files) != before


class Suite:
    """Claims whose tests lie in a folder, and sessions about them that know how long networks take."""

    def __init__(self, folder):
        self.folder, self.there = folder, set()
        self.test = folder / "benchmarks" / "test_some_2020.py"
        self.test.parent.mkdir()
        self.test.write_text("")

    def session(self, scale, ids=tuple(NEEDS), own=False):
        """Return a session of these claims, of which nothing but the last is asked at `tiny`."""
        speeds = Speeds(self.folder / "speeds")
        speeds.seconds = PRICES.__getitem__
        worker = SimpleNamespace(
            speeds=speeds, entries=self.there, failed={}, missing=lambda wanted: set(wanted) - self.there
        )
        options = Options(SCALES[scale], self.folder, "cpu", "float32", own=own)
        return Session(options, None, asked={id: self.asked(id, scale) for id in ids}, worker=worker)

    def asked(self, id, scale):
        """Return how a claim is asked."""
        scales = ("tiny", "reduced") if id == "a.four" else ("reduced",)
        skip, needs = "" if scale in scales else "needs mnist", sorted(NEEDS[id])
        entry, claim = SimpleNamespace(asked_at=lambda: scales), SimpleNamespace(file=self.test)
        return SimpleNamespace(claim=claim, entry=entry, skip=skip, error="", all_experiments=() if skip else needs)

    def plan(self, ids=tuple(NEEDS)):
        """Plan claims at `reduced`."""
        session = self.session("reduced", ids)
        found = planned(session._code, {id: NEEDS[id] - self.there for id in ids})
        session.worker.speeds.change_plans(lambda plans: remember(plans, "reduced", found))
        session.worker.speeds.keep()

    def run(self, ids, computed="xyz"):
        """Run claims at `reduced`, as far as those networks go."""
        session = self.session("reduced", ids)
        before = session._plan_taken()
        self.there |= set().union(*(NEEDS[id] for id in ids)) & set(computed)
        return session._costs(1, before)

    def cost(self, *ids, **options):
        """Return what a run of claims at `tiny` says that the same claims take at `reduced`."""
        return self.session("tiny", ids or tuple(NEEDS), **options)._costs(2, None).get("reduced")


@pytest.fixture
def suite(tmp_path):
    return Suite(tmp_path)


class TestCosts:
    """What a run says of a scale that asks more is true of its own claims, this code and this store, or not said."""

    def test_they_are_those_of_the_selection(self, suite):
        """Whichever plan came before, and by so many workers; of claims that were not planned nothing is known."""
        suite.plan()
        suite.plan(["a.three"])
        assert [suite.cost("a.three"), suite.cost("a.two"), suite.cost("a.two", "a.four")] == [0.5, 5.5, 5.5]
        assert suite.cost() == 55.5 and suite.cost("a.four") is None  # which is asked as it is

    def test_a_plan_of_others_says_nothing(self, suite):
        """Nor one of some of them."""
        suite.plan(["a.one", "a.two"])
        assert suite.cost("a.two") == 5.5 and suite.cost("a.two", "a.three") is suite.cost("a.three") is None

    def test_an_edit_ends_them(self, suite):
        """Of a claim, or of what is asked of something of a user's own, whose code nobody watches."""
        suite.plan()
        assert suite.cost(own=True) is None
        suite.test.write_text("# edited")
        assert suite.cost() is None

    def test_what_a_run_has_computed_is_paid(self, suite):
        """By the claims that share it, too; where it did not come to its end, nobody knows how much is left."""
        suite.plan()
        assert suite.run(["a.three"]) == {} and suite.cost("a.three") == 0 and suite.cost() == 55.0
        assert suite.run(["a.one", "a.two"], computed="x") == {"budget": 10.0} and suite.cost() is None
        assert suite.run(["a.one", "a.two"]) == {} and suite.cost("a.one", "a.two") == 0

    def test_what_is_interrupted_is_no_longer_known(self, suite):
        """As it was forgotten before anything was computed."""
        suite.plan()
        suite.session("reduced", ["a.three"])._plan_taken()
        assert suite.cost() is None
