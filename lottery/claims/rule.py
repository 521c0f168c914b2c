"""The rule that decides: what makes a verdict of a claim's numbers, and when nothing else can have turned one."""

from collections.abc import Mapping
from functools import cache

from lottery.claims.baselines import Row
from lottery.store.fingerprints import mark, sources

RULE = "the rule that decides"  # its name among the code of `results.json`, too


@cache
def definitions() -> dict[str, str]:
    """Return the functions and classes by which a claim is decided, by name, with a digest of each one's own source."""
    from lottery.claims.judging import Judge
    from lottery.claims.means import Sample

    texts: dict[str, list[str]] = {}
    for where, text in {**sources(Judge), **sources(Sample)}.items():  # the latter is imported where it is used
        name = where.partition(":")[0].removeprefix("lottery.")  # without that of a constant
        texts.setdefault(name, []).append(f"{where} {text}")
    return {name: mark(sorted(parts)) for name, parts in sorted(texts.items())}


def is_alone(now: Row, before: Row, result: Mapping, former: Mapping | None) -> bool:
    """Return whether two verdicts on the same numbers can differ by the rule alone: all else that decides is the same.

    That is the question with its region, the seeds, and which networks failed or were stopped too early. `former` is
    the earlier result. A table does not have that: there no network may have failed or been stopped too early.
    """
    if not now.question or (now.question, now.kind, now.n) != (before.question, before.kind, before.n):
        return False
    return _marked(result) == ({} if former is None else _marked(former))


def _marked(result: Mapping) -> dict[str, tuple[list[int], list[int]]]:
    """Return the seeds of which a network failed, and those that were stopped too early, of every arm that has any."""
    marked = {name: (arm["failed"], arm["censored"]) for name, arm in result["arms"].items()}
    return {name: seeds for name, seeds in marked.items() if any(seeds)}
