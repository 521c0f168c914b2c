"""Jobs: what one of them computes, which others it rests on, and how long a number of machines would take for all.

A population is what shares network, data, training and action, all of its arms, rounds and seeds, and it is one job:
its chains of rounds are inside. One that would take much longer than others is split by seeds, which share nothing.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from lottery.experiments.all_parts import batch_key, parents
from lottery.experiments.experiment import Experiment

LEAST = 600.0  # seconds of work that pay for a job of its own: queueing, starting Python, reading the data
Seconds = Callable[[Experiment], float]
Group = tuple[Hashable, int]  # a population's key, and how many others its experiments rest on, one on the other


@dataclass(eq=False)
class Job:
    """Experiments that one process computes, parents first; the numbers of the jobs that it rests on; its seconds."""

    experiments: list[Experiment]
    needs: set[int] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """What it is, for people."""
        first = self.experiments[0]
        arms, seeds = {one.arm.name for one in self.experiments}, sorted({one.seed for one in self.experiments})
        what = next(iter(arms)) if len(arms) == 1 else f"{len(arms)} arms"
        span = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
        return f"{first.setting.network}, {first.setting.data}, {what}, {span}"


def jobs_of(missing: Iterable[Experiment], seconds: Seconds, at_once: int, longest: float = float("inf")) -> list[Job]:
    """Return the jobs that compute what is missing, each after those that it rests on.

    Populations are split so that `at_once` machines have equal work as far as seeds allow, and none has `longest`
    seconds or more. What trains nothing goes along with the one job that it rests on, if it is one.
    """
    above = parents_first(missing)
    price = {one: seconds(one) for one in above}
    share = min(max(sum(price.values()) / max(at_once, 1), LEAST), longest)
    groups = _groups(above)
    jobs: list[Job] = []
    job_of: dict[Experiment, int] = {}
    for group in sorted(groups, key=lambda group: group[1]):
        part = _part_of_seeds(groups[group], price, share)
        numbers: dict[int, int] = {}  # of this population's parts
        for one in groups[group]:
            needs = {job_of[parent] for parent in above[one]}
            if one.steps or len(needs) != 1:
                number = numbers.setdefault(part[one.seed], len(jobs))
                if number == len(jobs):
                    jobs.append(Job([]))
            else:
                number = min(needs)
            job_of[one] = number
            jobs[number].experiments.append(one)
            jobs[number].needs |= needs - {number}
            jobs[number].seconds += price[one]
    return jobs


def parents_first(missing: Iterable[Experiment]) -> dict[Experiment, list[Experiment]]:
    """Return for each experiment those that it rests on, of the missing ones; all of these stand before it."""
    wanted = sorted(missing, key=repr)
    among = set(wanted)
    above = {one: [parent for parent in parents(one) if parent in among] for one in wanted}
    placed: dict[Experiment, list[Experiment]] = {}
    for one in wanted:
        trail = [one]
        while trail:
            open_ends = [parent for parent in above[trail[-1]] if parent not in placed]
            if open_ends:
                trail += open_ends
            else:
                last = trail.pop()
                placed[last] = above[last]
    return placed


def _groups(above: Mapping[Experiment, Sequence[Experiment]]) -> dict[Group, list[Experiment]]:
    """Return experiments by population and level: each rests on its own group's of its seed, or on lower levels."""
    level: dict[Experiment, int] = {}
    keys = {one: batch_key(one) for one in above}
    groups: dict[Group, list[Experiment]] = defaultdict(list)
    for one, rests_on in above.items():
        steps = (level[parent] + (keys[parent] != keys[one] or parent.seed != one.seed) for parent in rests_on)
        level[one] = max(steps, default=0)
        groups[keys[one], level[one]].append(one)
    return groups


def _part_of_seeds(members: Sequence[Experiment], price: Mapping[Experiment, float], share: float) -> dict[int, int]:
    """Return in which part of a population each seed is: it has as many as shares of work, at most one a seed."""
    seeds = sorted({one.seed for one in members})
    parts = min(len(seeds), max(1, ceil(sum(price[one] for one in members) / share)))
    return {seed: place * parts // len(seeds) for place, seed in enumerate(seeds)}


def heights(jobs: Sequence[Job]) -> list[float]:
    """Return for each job the seconds of the longest chain of jobs that begins with it."""
    found = [job.seconds for job in jobs]
    for number in _last_first(jobs):
        for above in jobs[number].needs:
            found[above] = max(found[above], jobs[above].seconds + found[number])
    return found


def _last_first(jobs: Sequence[Job]) -> list[int]:
    """Return the jobs' numbers, each before those that it rests on."""
    resting = [0] * len(jobs)
    for job in jobs:
        for above in job.needs:
            resting[above] += 1
    order = [number for number, count in enumerate(resting) if not count]
    for number in order:  # which grows meanwhile
        for above in jobs[number].needs:
            resting[above] -= 1
            if not resting[above]:
                order.append(above)
    return order


def takes(jobs: Sequence[Job], machines: int) -> float:
    """Return the seconds until all jobs are done on so many machines, those first that begin the longest chains."""
    height = heights(jobs)
    open_needs = [len(job.needs) for job in jobs]
    below: dict[int, list[int]] = defaultdict(list)
    for number, job in enumerate(jobs):
        for above in job.needs:
            below[above].append(number)
    ready = [(-height[number], number) for number, count in enumerate(open_needs) if not count]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < machines:
            number = heapq.heappop(ready)[1]
            heapq.heappush(running, (now + jobs[number].seconds, number))
        now, done = heapq.heappop(running)
        for number in below[done]:
            open_needs[number] -= 1
            if not open_needs[number]:
                heapq.heappush(ready, (-height[number], number))
    return now
