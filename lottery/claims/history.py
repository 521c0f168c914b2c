"""History: what a claim asked when it was first measured, and whether it says where it asks something else today."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

from lottery.claims.entries import Entry
from lottery.store.fingerprints import canonical

ASKED = ("kind", "statement", "metric", "region", "rounds, shares or iterations", "needs or kind of answer")


class Measured(NamedTuple):
    """A claim that a baseline has: its first and its last measured question, and how many changes it had told."""

    id: str
    scale: str
    first: str
    last: str
    changes: int


def asked_of(entry: Entry, scale: str) -> str:
    """Return a fingerprint of what a claim asks at a scale, four digits for each of ASKED; empty if nothing is asked.

    Seeds, reasons and expectations do not count: they are no part of the question.
    """
    question = entry.question(scale)
    if question is None or question.skip:
        return ""
    regions = question.parts or ({"": question.region} if question.region else {})
    needs: list[object] = []
    if entry.needs:
        training = question.training or entry.needs.training
        needs = [entry.needs.dataset, entry.needs.network, training, bool(question.analogue)]
    where = [question.rounds, question.shares, question.iterations, question.level]
    where += [question.tasks] if question.tasks else []  # a field that came later
    bounds = {name: [str(region.low), str(region.high)] for name, region in regions.items()}
    return fingerprint([entry.kind, entry.statement, entry.metric, bounds, where, needs or None])


def fingerprint(fields: Iterable[object]) -> str:
    """Return four hexadecimal digits for each field, so that a difference can be named."""
    return "-".join(blake2b(canonical(field).encode(), digest_size=2).hexdigest() for field in fields)


def unmarked(entries: Mapping[str, Entry], retired: Iterable[str], measured: Iterable[Measured]) -> list[str]:
    """Return a line for every claim that asks something else than when it was measured and does not say so.

    It needs a mark if it differs from the first question, and one more than it had if it differs from the last. A
    claim that is gone must be in its file's [retired].
    """
    lines, gone = [], set(retired)
    for id, scale, first, last, changes in measured:
        if id not in entries:
            lines += [] if id in gone else [f"{id} was measured at {scale} and is gone: [retired] should say why"]
            continue
        now, marks = asked_of(entries[id], scale), len(entries[id].changes(scale))
        before = first if now != first and not marks else last if now != last and marks <= changes else ""
        if not before:
            continue
        different = [name for name, a, b in zip(ASKED, now.split("-"), before.split("-")) if a != b] if now else []
        what = f"another {', '.join(different)}" if different else "nothing any longer"
        told = "a section [[claim.changed]] should say so"
        lines.append(f"{id} asks {what} at {scale} than when it was measured: {told}")
    return lines
