"""A session: the claims that a run selects, what they need, and how each is judged once it is there."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lottery.claims import rule
from lottery.claims.baselines import BUDGET, Row
from lottery.claims.claim import Claim, Exact
from lottery.claims.claims_folders import expected_file
from lottery.claims.entries import Contents
from lottery.claims.exit_status import counts
from lottery.claims.grounds import grounds
from lottery.claims.judging import Judge
from lottery.claims.resolved import ResolvedClaim, resolve
from lottery.claims.results import describe, outcome, plain
from lottery.claims.scoreboard import NOT_ASKED, cells
from lottery.claims.statistics import ANSWERS, ERROR, SKIPPED, Decision
from lottery.core.errors import LotteryError, told
from lottery.experiments.measurements import block
from lottery.experiments.scales import Scale
from lottery.models.architectures import is_planted
from lottery.plugin import provenance

if TYPE_CHECKING:
    from lottery.experiments.planned import Planned

PACKAGE = Path(__file__).resolve().parents[1]
SPEEDS = "speeds"  # the store's folder of how long networks take here
REPORTING = 2.5  # seconds of a run that are neither training nor judging: Python's start and end, files, the screen
LIKE_THE_START = 0.5  # of the time from the start to the training, which passes after it: on a busy machine both last
JUDGED, REPORTED = 0.06, 0.03  # seconds of a claim, by one of the workers and by the one process that reports
NOT_COMPUTED = "no job computed what it needs; the remarks say which jobs failed, and the same command tries again"


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    scale: Scale
    store: Path
    device: str  # "cpu" or "cuda:N": of this process
    precision: str
    deadline: float | None = None  # time.monotonic() at which the whole command is to be over
    began: float | None = None  # likewise, when this process began
    by_name: bool = True  # whether the device was asked for, so that no other will do
    sharing: int = 1  # workers on this device
    own: bool = False  # whether anything of a user's is asked about, which no plan is remembered of


def _sound(asked: ResolvedClaim) -> ResolvedClaim:
    """Return a claim as it is asked, without what it states where one of its arms cannot be computed at all."""
    try:
        experiments = {(one.setting, one.arm): one for one in asked.all_experiments}
        if experiments:
            from lottery.experiments.keys import check

            for one in experiments.values():
                check(one)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # of what its function made its arms and quantities of
        reason = error if isinstance(error, LotteryError) else f"what it asks for raised {told(error)}"
        return replace(asked, statement=None, references={}, error=f"{asked.claim.id}: {reason}")
    return asked


@dataclass
class Session:
    """Trains what its claims need and judges them. Heavy imports wait until there is something to train or to read."""

    options: Options
    known: Contents  # of the files of entries
    baseline: Mapping[str, Sequence[Row]] = field(default_factory=dict)  # the committed one, for the exit status
    asked: dict[str, ResolvedClaim] = field(default_factory=dict)
    worker: Any = None  # a Worker, once there is something to train or to read
    _set_back: Callable[[], None] = lambda: None  # what was changed about this process in order to train
    _reported: dict[Any, str] = field(default_factory=dict)  # experiments whose measurements a claim brings, by its id

    def ask(self, claim: Claim) -> ResolvedClaim:
        """Return how a claim is asked at this scale, and remember it."""
        entry, wrong = self.known.entries[claim.entry_id], self.known.wrong.get(claim.entry_id, "")
        self.asked[claim.id] = _sound(resolve(claim, entry, self.options.scale, wrong))
        return self.asked[claim.id]

    @property
    def errors(self) -> list[str]:
        """What is wrong with files of entries, and with the claims that state nothing that can be asked."""
        return [*self.known.faults, *(asked.error for asked in self.asked.values() if asked.error)]

    def close(self) -> None:
        """Leave this process as it was before anything was trained."""
        self._set_back()

    def train(self, workers: int, reporter, sending=None) -> None:
        """Compute all that the claims asked for need, as far as the budget goes; with `sending`, by jobs."""
        wanted = {one for asked in self.asked.values() for one in asked.all_experiments}
        if not wanted:
            return
        from lottery.core.devices import failures_told

        self.worker = self._worker(workers, reporter)
        with failures_told(self.worker.device):
            missing = self.worker.needs({id: asked.all_experiments for id, asked in self.asked.items()})
            if sending:
                sending.measure(self.worker, missing)
            prices = {one: self.worker.speeds.seconds(one) for one in set().union(*missing.values())}
            before = self._plan_taken() if prices else None
            deadline = self._training_ends(workers)
            reporter.begin(self._asked_of(missing), prices, self.worker.has, deadline)
            room = None if deadline is None else deadline - time.monotonic()  # seconds for training
            turns = None if deadline is None else self._turns(missing, prices)
            if sending:
                sending.compute(self.worker, missing, reporter)
                self.worker.failed = dict.fromkeys(self.worker.missing(wanted), NOT_COMPUTED) | self.worker.failed
            else:
                self.worker.work(wanted, deadline, reporter.finish, turns)
            self.worker.store.tidy()
            reporter.end(self._costs(workers, before), self.worker.computed, room)

    def _asked_of(self, missing: Mapping[str, Collection]) -> dict[str, Collection]:
        """Return what is missing by claim, without the claims that nothing is computed for: they never become ready."""
        left_out = {id for id, asked in self.asked.items() if asked.skip or asked.error}
        return {id: experiments for id, experiments in missing.items() if id not in left_out}

    def _training_ends(self, workers: int = 1) -> float | None:
        """Return when training has to be over, so that all claims are judged and reported within the budget."""
        if self.options.deadline is None:
            return None
        start = time.monotonic() - (self.options.began or time.monotonic())
        claims = sum(not asked.skip for asked in self.asked.values())
        reserve = REPORTING + LIKE_THE_START * start + claims * (JUDGED / workers + REPORTED)
        return self.options.deadline - reserve

    @cached_property
    def _code(self) -> str:
        """A mark of all code and entries that say what is trained; empty where users have other code, too."""
        from lottery.experiments.planned import mark

        if self.options.own:
            return ""
        tests = {asked.claim.file.parent for asked in self.asked.values()}
        entries = {expected_file(asked.claim.file).parent for asked in self.asked.values()}
        files = [*PACKAGE.rglob("*.py"), *(file for folder in tests for file in folder.glob("*.py"))]
        return mark([*files, *(file for folder in entries for file in folder.glob("*.toml"))])

    def _plan_taken(self) -> "Planned | None":
        """Return the plan of this scale, which is forgotten until all that it is of has been computed."""
        from lottery.experiments.planned import forget

        speeds, scale = self.worker.speeds, self.options.scale.name
        if (known := speeds.plans.get(scale)) is None:
            return None
        speeds.change_plans(lambda plans: forget(plans, scale))
        speeds.keep()
        return known if known.code == self._code else None

    def _costs(self, workers: int, before: "Planned | None") -> dict[str, float]:
        """Return in how many seconds so many workers would compute what this run did not, by the reason.

        That is the budget; or the scale that has to be asked, with what all claims of this run take there, where these
        were planned on this machine with the same code. `before` is what was planned of this scale.
        """
        from lottery.experiments.planned import remember, settle

        speeds, scale, code = self.worker.speeds, self.options.scale.name, self._code
        asked = {id: one for id, one in self.asked.items() if not (one.skip or one.error)}
        left = [one for of in asked.values() for one in of.all_experiments if not self._settled(one)]
        costs = {BUDGET: sum(map(speeds.seconds, self.worker.missing(left)))} if left else {}
        if code and not left:
            if before:
                speeds.change_plans(lambda plans: remember(plans, scale, before))
            speeds.change_plans(lambda plans: settle(plans, scale, code, asked))
        speeds.keep()
        for name in {later for one in self.asked.values() if (later := self._later(one))}:
            wanted = [id for id, one in self.asked.items() if name in one.entry.asked_at()]
            planned = speeds.plans.get(name)
            if code and planned and planned.code == code and (seconds := planned.seconds(wanted)) is not None:
                costs[name] = seconds
        return {why: seconds / workers for why, seconds in costs.items()}

    def _later(self, asked: ResolvedClaim) -> str:
        """Return the next scale that asks a claim which this one does not; empty if there is none."""
        names = [name for name in asked.entry.asked_at() if name != self.options.scale.name] if asked.skip else []
        return names[0] if names else ""

    def _settled(self, experiment) -> bool:
        """Return whether an experiment is there, or cannot be had."""
        return experiment in self.worker.entries or experiment in self.worker.failed

    def codes(self) -> dict[str, str]:
        """Return the letters and numbers of the claims asked for, by id."""
        return {id: f"{asked.entry.letter}{asked.entry.number}" for id, asked in self.asked.items()}

    def compute(self, keys: Collection[str], reporter) -> dict[str, str]:
        """Compute what has these keys, for a job; return by key why some cannot be had.

        Raise where the claims asked for do not need all of them, since something was edited meanwhile.
        """
        from lottery.core.devices import failures_told

        self.worker = self._worker(1, reporter)
        needed = provenance.ancestry(tuple(one for asked in self.asked.values() for one in asked.all_experiments))
        mine = [one for one in needed if self.worker.key(one) in keys]
        if len(mine) < len(keys):
            raise LotteryError(
                f"{len(keys) - len(mine)} of the {len(keys)} networks that this job was sent for are of another plan: "
                "a claim, a criterion, a network, data or this package were edited since; run the same command again"
            )
        with failures_told(self.worker.device):
            missing = self.worker.missing(mine)
            reporter.begin({}, {one: self.worker.speeds.seconds(one) for one in missing}, self.worker.has)
            self.worker.work(mine, finished=reporter.finish)
            self.worker.store.tidy()
        return {self.worker.key(one): why for one, why in self.worker.failed.items()}

    def plan(self):
        """Return what the claims asked for would have trained, and how many seconds a budget leaves for that.

        That is a `lottery.experiments.plan.Plan`, and None without a budget. Nothing is trained but to measure how fast
        that goes, where it is not known yet.
        """
        from lottery.core.devices import failures_told
        from lottery.experiments.plan import plan
        from lottery.experiments.planned import Planned, remember

        self.worker = self._worker()
        ends = self._training_ends()
        budget = None if ends is None else ends - time.monotonic()  # of a run that need not measure
        with failures_told(self.worker.device):
            asked = {id: asked for id, asked in self.asked.items() if not (asked.skip or asked.error)}
            made = plan(self.worker, {id: asked.all_experiments for id, asked in asked.items()})
        if self._code:
            found = Planned(self._code, frozenset(row.claim for row in made.rows), made.shares)
            self.worker.speeds.change_plans(lambda plans: remember(plans, self.options.scale.name, found))
        self.worker.speeds.keep()
        return made, budget

    def devices_used(self, by_jobs: bool) -> list[str]:
        """Return what a run names the devices by that computed for it: this process's, or those of jobs."""
        made = {str(record.made["device"]) for record in self.worker.entries.values()} if by_jobs else set()
        return sorted(made) or [self.worker.device_used()]

    def jobs_table(self, sending) -> str:
        """Return the jobs that would compute what the claims asked for need, as a table."""
        self.worker = self._worker()
        return sending.table(
            self.worker, self.worker.needs({id: one.all_experiments for id, one in self.asked.items()})
        )

    def _worker(self, workers: int = 1, reporter=None):
        from lottery.core.devices import prepare, ready
        from lottery.experiments.speeds import Speeds
        from lottery.experiments.worker import Worker
        from lottery.store.store import Store

        asked = self.options
        device = ready(asked.device, asked.by_name or asked.precision != "float32")
        self._set_back = prepare(device, asked.precision)
        told = {"watch": reporter.watch, "wait": reporter.wait, "attempts": reporter.attempts} if reporter else {}
        told["speeds"] = Speeds(asked.store / SPEEDS, device, asked.precision)
        return Worker(Store(asked.store), device, asked.precision, workers, sharing=asked.sharing, **told)

    @staticmethod
    def _turns(missing: Mapping[str, Collection], prices: Mapping) -> dict:
        """Return whose turn comes first if there may not be time for all: the cheapest claims'."""
        from lottery.experiments.plan import cheapest_first, turns

        return turns(cheapest_first(missing, prices.__getitem__))

    def result(self, claim: Claim) -> dict[str, Any]:
        """Return a claim's result as `results.json` has it; it knows whether a deviation counts.

        That depends on all claims that chance can make deviate, so all of these are judged once.
        """
        asked = self.asked[claim.id]
        if asked.entry.kind == Exact.kind:
            result = self._judge(asked)
            counting = counts([result])
        else:
            result, counting = self._results[claim.id], self._counting
        ancestry = provenance.ancestry(asked.experiments)
        made = [record.made for one in ancestry if (record := self.worker.record(one))]
        shown: Any = plain(result)
        return (
            shown
            | {
                "devices": sorted({str(of["device"]) for of in made}),
                "devices_mixed": provenance.devices_mixed(self.worker, asked.experiments),
                "seconds": sum(of["seconds"] for of in made),
                "counts": claim.id in counting,
            }
            | (provenance.origin(self.worker, asked) if result["verdict"] in ANSWERS else {"inputs": {}, "code": []})
        )

    def definitions(self) -> dict[str, dict[str, str]]:
        """Return what of the code the results of all claims asked for rest on, with a digest of each definition."""
        if self.worker is None:
            return {}
        from lottery.experiments.inputs import definitions

        experiments = [one for asked in self.asked.values() if not asked.error for one in asked.experiments]
        return definitions(provenance.inputs(self.worker, experiments)) | {rule.RULE: rule.definitions()}

    @cached_property
    def _results(self) -> dict[str, dict[str, Any]]:
        """What became of the claims that chance can make deviate, by id."""
        return {id: self._judge(asked) for id, asked in self.asked.items() if asked.entry.kind != Exact.kind}

    @cached_property
    def _counting(self) -> set[str]:
        """The ids of those whose deviation counts."""
        return counts(list(self._results.values()), self.baseline)

    def blocks(self, claim: Claim) -> list[tuple]:
        """Return the measurements that a claim rests on, but for those that another claim has brought."""
        needed = provenance.ancestry(self.asked[claim.id].all_experiments)
        own = [one for one in needed if self._reported.setdefault(one, claim.id) == claim.id]
        return [block(one, record.measurements) for one in own if (record := self.worker.record(one))]

    def _judge(self, asked: ResolvedClaim) -> dict[str, Any]:
        """Return a claim's result, without what it took, on which devices, and whether it counts."""
        experiments = asked.experiments
        error = asked.error or next((self.worker.failed[one] for one in experiments if one in self.worker.failed), "")
        skip = asked.skip
        if not skip and not error and any(one not in self.worker.entries for one in experiments):
            skip = BUDGET
        details: dict[str, object] = {}
        if not skip and not error:
            try:
                decision, details = Judge(asked, self._measured).decide()
            except KeyboardInterrupt:
                raise
            except BaseException as raised:  # of the claim's own functions, an exit or a skipped test too
                error = f"{asked.claim.id}: judging it raised {told(raised)}"
        if skip:
            decision = Decision(SKIPPED, reason=skip)
        elif error:
            decision = Decision(ERROR, reason=error)
        result = (
            describe(asked, self.options.scale)
            | outcome(decision, asked.question.region, asked.entry.kind, asked.entry.unit)
            | details
        )
        if experiments and result["verdict"] in ANSWERS:
            result["rests_on"] = grounds(asked)
        if experiments:
            assert asked.setting is not None
            result["data_fingerprint"] = self.worker.fingerprint(asked.setting)
            tasks = [asked.setting.on(name) for name in asked.question.tasks]
            result["tasks"] = {task.data: self.worker.fingerprint(task) for task in tasks}
            if is_planted(experiments[0].setting.network):
                searches = provenance.ancestry(experiments)  # those, too, that an experiment holds against each other
                result["iterations"] = max(one.steps for one in searches)
                result["levels"] = provenance.levels(self.worker, searches)
        scores = cells(asked, self._measured, self._lacking) if asked.claim.contest else []
        return result | {"scores": scores, "replaced": provenance.replaced_criteria(experiments)}

    def _measured(self, one: Any) -> Any:
        return self.worker.entries[one].measurements

    def _lacking(self, experiments: Sequence) -> tuple[str, str]:
        """Return why experiments have no result, as a state of the scoreboard with its reason; empty if they have."""
        failed = [self.worker.failed[one] for one in experiments if one in self.worker.failed]
        if failed:
            return ERROR, failed[0]
        missing = any(one not in self.worker.entries for one in experiments)
        return (NOT_ASKED, BUDGET) if missing else ("", "")
