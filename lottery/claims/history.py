"""History: what a claim asked when it was first measured, and whether it says where it asks something else today."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

from lottery.claims.entries import Entry
from lottery.store.fingerprints import canonical

ASKED = ("kind", "statement", "metric", "region", "rounds, shares or iterations", "needs")


class Measured(NamedTuple):
    """A claim that a baseline has: where, and the fingerprint of its question when it was first measured."""

    id: str
    scale: str
    first: str


def asked_of(entry: Entry, scale: str) -> str:
    """Return a fingerprint of what a claim asks at a scale, four digits for each of ASKED; empty if nothing is asked.

    Seeds, reasons and expectations do not count: they are no part of the question.
    """
    question = entry.question(scale)
    if question is None or question.skip:
        return ""
    regions = question.parts or ({"": question.region} if question.region else {})
    needs = entry.needs and [entry.needs.dataset, entry.needs.network, question.training or entry.needs.training]
    where = [question.rounds, question.shares, question.iterations, question.level]
    bounds = {name: [str(region.low), str(region.high)] for name, region in regions.items()}
    return fingerprint([entry.kind, entry.statement, entry.metric, bounds, where, needs])


def fingerprint(fields: Iterable[object]) -> str:
    """Return four hexadecimal digits for each field, so that a difference can be named."""
    return "-".join(blake2b(canonical(field).encode(), digest_size=2).hexdigest() for field in fields)


def unmarked(entries: Mapping[str, Entry], retired: Iterable[str], measured: Iterable[Measured]) -> list[str]:
    """Return a line for every claim that asks something else than when it was first measured and does not say so.

    A claim that is gone must be in its file's [retired].
    """
    lines, gone = [], set(retired)
    for id, scale, first in measured:
        if id not in entries:
            lines += [] if id in gone else [f"{id} was measured at {scale} and is gone: [retired] should say why"]
            continue
        now = asked_of(entries[id], scale)
        if now == first or entries[id].changes(scale):
            continue
        different = [name for name, a, b in zip(ASKED, now.split("-"), first.split("-")) if a != b] if now else []
        what = f"another {', '.join(different)}" if different else "nothing any longer"
        told = "a section [[claim.changed]] should say so"
        lines.append(f"{id} asks {what} at {scale} than when it was first measured: {told}")
    return lines
