"""Planning: what a set of claims still needs, what that costs, and which to decide first if time is short."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lottery.core.errors import LotteryError
from lottery.data import catalogue
from lottery.data.datasets import Dataset
from lottery.experiments import own_networks
from lottery.experiments.all_parts import batch_key
from lottery.experiments.calibration import Calibration
from lottery.experiments.experiment import Experiment
from lottery.experiments.keys import other_data
from lottery.experiments.memory import peak
from lottery.experiments.planned import shares
from lottery.experiments.speeds import arithmetic, kind, total
from lottery.experiments.worker import Worker


def cheapest_first(
    needs: Mapping[str, Iterable[Experiment]], cost: Callable[[Experiment], float] = arithmetic
) -> list[tuple[str, list[Experiment]]]:
    """Return the claims so that the next one always costs least, each with what it needs beyond those before it.

    `needs` has the experiments that are still missing for each claim, missing ancestors included. What several claims
    share is paid by the first; of equally cheap claims the first in `needs` comes first.
    """
    open_needs = {claim: set(missing) for claim, missing in needs.items()}
    asking: dict[Experiment, list[str]] = {}  # by what each is needed
    for claim, missing in open_needs.items():
        for one in missing:
            asking.setdefault(one, []).append(claim)
    price = {one: cost(one) for one in asking}
    left = {claim: sum(map(price.__getitem__, missing)) for claim, missing in open_needs.items()}
    order = []
    while left:
        cheapest = min(left, key=left.__getitem__)
        paid = open_needs[cheapest]
        order.append((cheapest, sorted(paid, key=repr)))
        del left[cheapest]
        for claim in {claim for one in paid for claim in asking[one]} & left.keys():
            open_needs[claim] -= paid
            left[claim] = sum(map(price.__getitem__, open_needs[claim]))
    return order


def turns(order: Sequence[tuple[str, list[Experiment]]]) -> dict[Experiment, int]:
    """Return for each experiment the place of the first claim that needs it."""
    return {one: place for place, (_, paid) in enumerate(order) for one in paid}


def memory(one: Experiment, data: Dataset, replicas: int) -> int:
    """Return about how many bytes a worker needs for its data and a batch of so many networks, beside torch."""
    images = sum(part.images.numel() * part.images.element_size() for part in (data.train, data.validation, data.test))
    return images + replicas * peak(one)


@dataclass(frozen=True)
class Row:
    """A claim in a plan: what it adds to the claims before it, and what it would take alone.

    Networks, their steps, and seconds of one worker.
    """

    claim: str
    networks: int
    steps: int
    seconds: float
    alone_networks: int
    alone: float


@dataclass(frozen=True)
class Plan:
    """What would be trained, the cheapest claim first; how many networks are stored; the bytes of a worker.

    `lacking` says of claims that are not planned why their data cannot be had, `shares` has the seconds of what is
    missing by the set of claims that need it.
    """

    rows: list[Row]
    stored: int
    memory: int
    lacking: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[frozenset[str], float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds of work for a single worker."""
        return sum(row.seconds for row in self.rows)


def plan(worker: Worker, needs: Mapping[str, Iterable[Experiment]]) -> Plan:
    """Return what the claims in `needs` would have trained, after measuring what is not known of this machine.

    Claims whose data cannot be had are set apart.
    """
    lacking = without_data(needs)
    missing = worker.needs({claim: wanted for claim, wanted in needs.items() if claim not in lacking})
    needed = measure(worker, set().union(*missing.values()))
    speeds = worker.speeds
    rows = [
        Row(
            claim,
            len(paid),
            sum(one.steps for one in paid),
            total(speeds, paid),
            len(missing[claim]),
            total(speeds, missing[claim]),
        )
        for claim, paid in cheapest_first(missing, speeds.seconds)
    ]
    return Plan(rows, len(worker.entries), needed, lacking, shares(missing, speeds.seconds))


def without_data(needs: Mapping[str, Iterable[Experiment]]) -> dict[str, str]:
    """Return for each claim whose data cannot be had why; every data set is asked for once, as it may be downloaded."""
    used = {
        claim: sorted({name for one in wanted for name in (one.setting.dataset, *other_data(one.arm))})
        for claim, wanted in needs.items()
    }
    wrong: dict[str, str] = {}
    for name in sorted({name for names in used.values() for name in names}):
        try:
            catalogue.fingerprint(name)
        except LotteryError as error:
            wrong[name] = str(error)
    reasons = {claim: [wrong[name] for name in names if name in wrong] for claim, names in used.items()}
    return {claim: found[0] for claim, found in reasons.items() if found}


def measure(worker: Worker, missing: Iterable[Experiment]) -> int:
    """Return the bytes that a worker needs for what is missing, once it was measured whose speed is not known here."""
    batches: dict[tuple, list[Experiment]] = {}
    kinds: dict[str, list[Experiment]] = {}
    for one in sorted(missing, key=repr):
        batches.setdefault(batch_key(one), []).append(one)
        kinds.setdefault(kind(one), []).append(one)
    speeds, calibration = worker.speeds, Calibration(worker.speeds, worker.device)
    for alike in kinds.values():
        if not speeds.knows(alike[0]):
            together = alike[: worker.at_most(alike[0], len(batches[batch_key(alike[0])]))]
            with own_networks.failures_told(alike[0].setting.network):
                calibration.take(together, worker.data(alike[0].setting))
    speeds.keep()
    most = [(of[0], worker.at_most(of[0], len(of))) for of in batches.values()]
    return max((memory(one, worker.data(one.setting), count) for one, count in most), default=0)
