"""The plan's table: what would be trained, how long that takes, and how far a budget goes."""

from collections.abc import Mapping
from textwrap import wrap
from typing import TYPE_CHECKING

from lottery.core.text import cut

if TYPE_CHECKING:  # it needs torch
    from lottery.experiments.plan import Plan, Row

NARROWEST, WIDEST = 80, 140  # columns
SHARED = "shared"  # what a claim adds whose networks are all those of claims before it
CELLS = (8, 9, 9, 10)  # columns of networks, alone, adds, done after
HEADS = ("networks", "alone", "adds", "done after")
LACKING = ("", "", "", "lacks data")


def plan_table(
    plan: "Plan", workers: int, codes: Mapping[str, str] = {}, budget: float | None = None, width: int = WIDEST
) -> str:
    """Return a row for every claim that needs training, and what it all takes with so many workers.

    Claims are named by their `codes`, such as F12, too. Those whose data cannot be had come last,
    with why. A line says where a budget ends that leaves so many seconds of
    wall time for training.
    """
    width = max(NARROWEST, min(WIDEST, width))
    needy = [row for row in plan.rows if row.alone_networks]
    networks, steps = sum(row.networks for row in needy), sum(row.steps for row in needy)
    counted = f"{networks:,} networks to train or to evaluate, {steps:,} network-steps; "
    counted += f"{plan.stored:,} that were asked for are in the store"
    if not networks and not plan.lacking:
        return f"nothing: {counted}"
    room = width - sum(CELLS) - len(CELLS)
    lines = [_line("claim, the cheapest first", HEADS, room), "─" * width]
    reached, fitting, ended = 0.0, 0, budget is None
    for row in needy:
        reached += row.seconds
        if not ended and budget is not None and reached / workers > budget:
            lines.append(f"── the budget ends here, after {fitting} of {len(needy)} claims ".ljust(width, "─"))
            ended = True
        fitting += not ended
        lines.append(_line(_name(row.claim, codes), _cells(row, reached, workers), room))
    if not ended and needy:
        lines.append(f"── the budget is enough for all {len(needy)} claims ".ljust(width, "─"))
    lines += [_line(_name(claim, codes), LACKING, room) for claim in plan.lacking]
    free = len(plan.rows) - len(needy)
    takes = f"about {duration(plan.seconds / workers)} with {workers} worker{'s' * (workers != 1)}, "
    takes += "without the claims that lack their data, " * bool(plan.lacking)
    takes += f"as measured on this machine; {plan.memory / 2**20:.0f} MB a worker, torch itself not counted"
    told = f"alone: were it the only claim; adds: after those above it, {SHARED} where these have all of its networks"
    lines.append("")
    for why in dict.fromkeys(plan.lacking.values()):
        claims = sum(one == why for one in plan.lacking.values())
        lines += wrap(f"{claims} claims lack their data, and a run that asks them ends with: {why}", width)
    for text in (counted, *([f"{free} claims need nothing more"] * bool(free)), takes, told):
        lines += wrap(text, width)
    return "\n".join(lines)


def _name(claim: str, codes: Mapping[str, str]) -> str:
    code = codes.get(claim, "")
    return f"{code:5} {claim.partition('.')[2]}" if code else claim  # its letter names the paper


def _cells(row: "Row", reached: float, workers: int) -> tuple[str, ...]:
    adds = duration(row.seconds / workers) if row.networks else SHARED
    return f"{row.alone_networks:,}", duration(row.alone / workers), adds, duration(reached / workers)


def _line(name: str, cells: tuple[str, ...], room: int) -> str:
    return cut(name, room).ljust(room) + "".join(f" {cell:>{size}}" for cell, size in zip(cells, CELLS))


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
