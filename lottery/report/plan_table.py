"""The plan's table: what would be trained, and how long that takes."""

from typing import TYPE_CHECKING

from tabulate import tabulate

if TYPE_CHECKING:  # it needs torch
    from lottery.experiments.plan import Plan

HEADERS = ("claim, the cheapest first", "networks", "steps", "takes", "done after")


def plan_table(plan: "Plan", workers: int) -> str:
    """Return a row for every claim that needs training, and what it all takes with so many workers."""
    rows, reached = [], 0.0
    for row in plan.rows:
        if row.networks:
            reached += row.seconds
            times = [duration(row.seconds / workers), duration(reached / workers)]
            rows.append([row.claim, row.networks, f"{row.steps:,}", *times])
    networks, steps = sum(row.networks for row in plan.rows), sum(row.steps for row in plan.rows)
    counted = f"{networks:,} networks to train or to evaluate, {steps:,} network-steps; "
    counted += f"{plan.stored:,} that were asked for are in the store"
    if not networks:
        return f"nothing: {counted}"
    takes = f"about {duration(plan.seconds / workers)} with {workers} workers, measured on this machine; "
    takes += f"{plan.memory / 2**20:.0f} MB a worker, torch itself not counted"
    return "\n".join([tabulate(rows, HEADERS, disable_numparse=True, stralign="right"), "", counted, takes])


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
