"""The table of jobs: what each would compute, what it rests on, and how long one machine or several take."""

from collections.abc import Sequence

from tabulate import tabulate

from lottery.core.text import cut
from lottery.jobs.grouping import Job, heights, takes
from lottery.report.plan_table import duration

MACHINES = (1, 8, 64)
LONGEST = 42  # columns of a job's name
HEADERS = ("job, the longest first", "networks", "seconds", "after")


def jobs_table(jobs: Sequence[Job], divided: Sequence[tuple[int, Sequence[Job]]]) -> str:
    """Return a row for every job, and what all take; `divided` has numbers of machines and the jobs made for them."""
    if not jobs:
        return "no job: everything is in the store"
    order = sorted(range(len(jobs)), key=lambda number: -jobs[number].seconds)
    rows = [
        [
            cut(jobs[number].name, LONGEST),
            len(jobs[number].experiments),
            f"{jobs[number].seconds:,.0f}",
            f"{len(jobs[number].needs)} jobs" if jobs[number].needs else "",
        ]
        for number in order
    ]
    lines = [tabulate(rows, HEADERS, disable_numparse=True, colalign=("left", "right", "right", "right")), ""]
    networks, total = sum(len(job.experiments) for job in jobs), sum(job.seconds for job in jobs)
    lines.append(f"{len(jobs)} jobs, {networks:,} networks; times are those of one worker on this machine")
    lines.append(f"the longest chain of jobs takes {duration(max(heights(jobs)))}")
    for machines, of_them in divided:
        lasts = takes(of_them, machines)
        speed = total / lasts if lasts else 1.0
        lines.append(
            f"{machines:3} at a time, {len(of_them)} jobs: {duration(lasts)}, {speed:.1f} times as fast as one"
        )
    return "\n".join(lines)
