"""A session: the claims that a run selects, what they need, and how each is judged once it is there."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lottery import expected
from lottery.arms import Arm, Seek
from lottery.claims import Claim, Conjunction, Effect, Exact, Proportion, Statement
from lottery.errors import LotteryError
from lottery.gate import counts
from lottery.measurements import rows
from lottery.quantities import Quantity
from lottery.recipes import Setting
from lottery.results import describe, outcome, plain
from lottery.scales import PAPER_ITERATIONS, Scale
from lottery.stats import INCONCLUSIVE, SKIPPED, Decision, Region, decide_all, decide_exact, decide_mean, decide_proportion, unfit

CENSORED_SHARE = 0.1  # a claim about early stop with a larger share of censored seeds is not decided


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    scale: Scale
    store: Path
    device: str  # "cpu" or "cuda:N": of this process
    precision: str
    deadline: float | None = None  # time.time() after which nothing new is started


@dataclass(frozen=True)
class Asked:
    """A claim as it is asked at the session's scale, or the reason why it is not."""

    claim: Claim
    entry: expected.Entry
    question: expected.Question
    setting: Setting | None = None
    settings: Mapping[str, Setting] = field(default_factory=dict)  # of the scale's other trainings, which an arm can name
    statement: Statement | None = None
    analogue: bool = False
    skip: str = ""

    @property
    def seeds(self) -> range:
        return range(self.question.seeds)

    def experiment(self, arm: Arm | Seek, round: int, seed: int):
        """Return the experiment of an arm of this claim."""
        if isinstance(arm, Seek):
            from lottery.searches import Search

            return Search(arm, seed)
        from lottery.experiments import experiment

        return experiment(self.settings[arm.training] if arm.training else self.setting, arm, round, seed)


@dataclass
class Session:
    """Trains what its claims need and judges them. The heavy imports happen when there is something to train or to read."""

    options: Options
    entries: Mapping[str, expected.Entry]
    asked: dict[str, Asked] = field(default_factory=dict)
    worker: object = None
    _results: dict[str, dict[str, object]] = field(default_factory=dict)
    _reported: set = field(default_factory=set)

    def ask(self, claim: Claim) -> Asked:
        """Return how a claim is asked at this scale, and remember it."""
        self.asked[claim.id] = ask(claim, self.entries[claim.entry_id], self.options.scale)
        return self.asked[claim.id]

    def train(self, workers: int, reporter) -> None:
        """Compute all that the claims asked for need, as far as the budget goes."""
        wanted = {one for asked in self.asked.values() for one in self.experiments(asked)}
        if not wanted:
            return
        self.worker = self._worker(workers, reporter.watch)
        reporter.plan(sum(one.steps for one in self.worker.missing(wanted)))
        self.worker.work(wanted, self.options.deadline, reporter.finish, None if self.options.deadline is None else self._turns())

    def plan(self):
        """Return what the claims asked for would have trained, as a `lottery.plan.Plan`; nothing is trained but to measure how fast that goes."""
        from lottery.plan import plan

        self.worker = self._worker()
        return plan(self.worker, {id: self.experiments(asked) for id, asked in self.asked.items() if not asked.skip})

    def _worker(self, workers: int = 1, watch=lambda batch: None):
        import torch

        from lottery.store import Store
        from lottery.worker import Worker

        if self.options.device == "cpu":
            torch.set_num_threads(1)  # two workers of one thread beat one of two, and results then never depend on -n
        torch.backends.cuda.matmul.allow_tf32 = self.options.precision == "tf32"
        return Worker(Store(self.options.store), self.options.device, self.options.precision, workers, watch)

    def _turns(self) -> dict:
        """Return whose turn comes first if there may not be time for all: the cheapest claims'."""
        from lottery.plan import cheapest_first, turns

        return turns(cheapest_first({id: self.worker.missing(self.experiments(asked)) for id, asked in self.asked.items()}))

    @staticmethod
    def experiments(asked: Asked) -> list:
        """Return the experiments that a claim needs."""
        if asked.skip or isinstance(asked.statement, Exact):
            return []
        cells = sorted(frozenset().union(*(quantity.cells for quantity in asked.statement.quantities)), key=repr)
        return [asked.experiment(arm, round, seed) for arm, round in cells for seed in asked.seeds]

    def results(self) -> dict[str, dict[str, object]]:
        """Return the results of all claims asked for, by id, as `results.json` has them. Each knows whether a deviation counts."""
        if not self._results:
            self._results = {id: self._judge(asked) for id, asked in self.asked.items()}
            counting = counts(list(self._results.values()))
            for id, result in self._results.items():
                result["counts"] = id in counting
        return self._results

    def rows(self, claim: Claim) -> list[tuple]:
        """Return the rows of `measurements.csv` for what a claim rests on, but for those that were returned before."""
        new = [one for one in self._ancestry(self.experiments(self.asked[claim.id])) if one not in self._reported]
        self._reported.update(new)
        return [row for one in new if (record := self.worker.record(one)) for row in rows(one, record.measurements)]

    def _judge(self, asked: Asked) -> dict[str, object]:
        """Return a claim's result."""
        experiments = self.experiments(asked)
        error = next((self.worker.failed[one] for one in experiments if one in self.worker.failed), "")
        skip = asked.skip
        if not skip and not error and any(one not in self.worker.entries for one in experiments):
            skip = "budget"
        if skip:
            decision, details = Decision(SKIPPED, reason=skip), {}
        elif error:
            decision, details = Decision(INCONCLUSIVE, reason=error), {}
        else:
            decision, details = self._decide(asked)
        result = describe(asked, self.options.scale) | outcome(decision, asked.question.region) | details
        if experiments:
            result["data_fingerprint"] = self.worker.data(asked.setting).fingerprint
            if isinstance(experiments[0].arm, Seek):
                result["iterations"] = max(one.steps for one in experiments)
                result["levels"] = self._levels(experiments)
        records = [self.worker.record(one) for one in self._ancestry(experiments)]
        return result | {"seconds": sum(record.made["seconds"] for record in records if record), "error": bool(error)}

    def _levels(self, searches: list) -> dict[str, dict[str, float]]:
        """Return by network what searches are measured against: scores of the planted ticket and of trivial functions, means over draws."""
        levels: dict[str, dict[str, float]] = {}
        for network in sorted({one.arm.network for one in searches}):
            own = {one.seed: one for one in searches if one.arm.network == network and one.arm.noise is None}
            records = [record.measurements for one in own.values() if (record := self.worker.record(one))]
            if records:
                levels[network] = {name: plain(sum(one[name] for one in records) / len(records)) for name in ("ticket", "constant", "affine")}
        return levels

    @staticmethod
    def _ancestry(experiments: list) -> list:
        """Return the experiments and all that their masks rest on, each once."""
        if not experiments:
            return []
        from lottery.experiments import parent

        found = dict.fromkeys(experiments)
        for one in experiments:
            while (one := parent(one)) is not None and one not in found:
                found[one] = None
        return list(found)

    def _decide(self, asked: Asked) -> tuple[Decision, dict[str, object]]:
        """Return the decision on a claim whose experiments are all there, with its effects, parts and arms."""
        statement = asked.statement
        if isinstance(statement, Exact):
            computed = statement.computed()
            agree = computed == statement.printed
            shown = f"computed {plain(computed)}, printed {plain(statement.printed)}"
            return decide_exact(agree), {"reason": "" if agree else shown, "effects": []}
        arms = {name: arm for quantity in statement.quantities for name, arm in self._arms(asked, quantity).items()}
        if isinstance(statement, Conjunction):
            parts = {name: self._decide_one(asked, part, asked.question.parts[name]) for name, part in statement.parts}
            shown = [{"name": name} | outcome(d, asked.question.parts[name]) | {"effects": plain(e)} for name, (d, e) in parts.items()]
            return decide_all([decision for decision, _ in parts.values()]), {"parts": shown, "effects": [], "arms": arms}
        decision, effects = self._decide_one(asked, statement, asked.question.region)
        return decision, {"effects": plain(effects), "arms": arms}

    def _decide_one(self, asked: Asked, statement: Effect | Proportion, region: Region) -> tuple[Decision, list[float]]:
        """Return the decision on a mean or on a share of seeds, with every seed's number."""
        return (self._decide_share if isinstance(statement, Proportion) else self._decide_mean)(asked, statement.quantity, region)

    def _decide_share(self, asked: Asked, quantity: Quantity, region: Region) -> tuple[Decision, list[float]]:
        effects = self._effects(asked, quantity)
        reason = unfit(effects) or self._censored(asked, quantity)
        if reason:
            return Decision(INCONCLUSIVE, n=len(effects), reason=reason), effects
        return decide_proportion(sum(value > 0 for value in effects), len(effects), region), effects

    def _reader(self, asked: Asked, seed: int):
        return lambda arm, round: self.worker.entries[asked.experiment(arm, round, seed)].measurements

    def _effects(self, asked: Asked, quantity: Quantity) -> list[float]:
        return [quantity.of(self._reader(asked, seed)) for seed in asked.seeds]

    def _arms(self, asked: Asked, quantity: Quantity) -> dict[str, dict[str, object]]:
        arms = {}
        for term in quantity.terms:
            values = [term.value(self._reader(asked, seed)(*term.cell)) for seed in asked.seeds]
            arms[term.name] = {"mean": plain(sum(values) / len(values)), "values": plain(values)}
        return arms

    def _decide_mean(self, asked: Asked, quantity: Quantity, region: Region) -> tuple[Decision, list[float]]:
        effects = self._effects(asked, quantity)
        decision = decide_mean(effects, region, quantity.resolution(self._reader(asked, 0)))
        censored = self._censored(asked, quantity)
        if censored and not unfit(effects):
            decision = Decision(INCONCLUSIVE, decision.estimate, decision.interval, decision.n, reason=censored)
        return decision, effects

    def _censored(self, asked: Asked, quantity: Quantity) -> str:
        """Return why a claim about early stop cannot be decided, or an empty string."""
        censored = sum(quantity.censored(self._reader(asked, seed)) for seed in asked.seeds)
        if censored <= CENSORED_SHARE * len(asked.seeds):
            return ""
        return f"training too short: the minimum of {censored} of {len(asked.seeds)} seeds lies in the last tenth of the run"


def ask(claim: Claim, entry: expected.Entry, scale: Scale) -> Asked:
    """Return how a claim is asked at a scale: in full, as an analogue, or not at all with the reason."""
    question = entry.question(scale.name)
    if question is None:
        return Asked(claim, entry, expected.Question(), skip=f"its entry says nothing about the scale {scale.name}")
    if question.skip:
        return Asked(claim, entry, question, skip=question.skip)
    if entry.needs is None:
        return Asked(claim, entry, question, statement=claim.state(entry, question))
    setting = scale.setting(entry.needs.network, question.training or entry.needs.training)
    if setting is None:
        return Asked(claim, entry, question, skip=f"nothing stands in for {entry.needs.network} at the scale {scale.name}")
    statement, settings = claim.state(entry, question), scale.settings[entry.needs.network]
    trainings = {entry.needs.training: setting}
    trainings |= {arm.training: settings[arm.training] for quantity in statement.quantities for arm, _ in quantity.cells if arm.training}
    lacking = next(filter(None, (lacks(entry.needs, training, used) for training, used in trainings.items())), "")
    if lacking and not question.analogue:
        return Asked(claim, entry, question, setting, skip=lacking)
    return Asked(claim, entry, question, setting, settings, statement, analogue=bool(lacking))


def lacks(needs: expected.Needs, training: str, setting: Setting) -> str:
    """Return what the setting of one of a claim's trainings lacks of its needs, or an empty string."""
    iterations = PAPER_ITERATIONS.get(needs.network, {}).get(training, 0)
    if setting.dataset != needs.dataset:
        return f"needs {needs.dataset}, this scale trains on {setting.dataset}"
    if setting.network != needs.network:
        return f"needs {needs.network}, this scale trains {setting.network}"
    if setting.recipe.iterations < iterations:
        return f"needs {iterations:,} iterations, this scale trains {setting.recipe.iterations:,}"
    return ""


def deadline(budget: float | None) -> float | None:
    """Return the time after which nothing new is started, for a budget in seconds from now."""
    return None if budget is None else time.time() + budget


def entries_of(benchmarks: set[Path]) -> dict[str, expected.Entry]:
    """Return the entries of all claims that these benchmark files state; raise where the two sides differ."""
    from lottery.claims import check_entries, expected_file

    entries: dict[str, expected.Entry] = {}
    for benchmark in sorted(benchmarks):
        found = expected.read(expected_file(benchmark))
        check_entries(benchmark, found)
        entries |= found
    if not entries:
        raise LotteryError("no claims were collected")
    return entries
