"""Where a claim's numbers come from: experiments with all that they rest on, devices, inputs, code, and criteria.

`worker` is a `lottery.experiments.worker.Worker` that has the experiments' records; heavy imports wait until one has.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from lottery.claims.readings import readings
from lottery.claims.resolved import ResolvedClaim
from lottery.claims.results import plain


@lru_cache(maxsize=1)  # a claim's result and its measurements ask one after the other
def ancestry(experiments: tuple) -> list:
    """Return the experiments and all that their masks rest on, each once."""
    if not experiments:
        return []
    from lottery.experiments.all_parts import with_ancestors

    return with_ancestors(experiments)


def inputs(worker: Any, experiments: Iterable) -> list:
    """Return what experiments depend on, once for those that share it."""
    alike = {(one.setting, one.arm): one for one in experiments}
    return [worker.inputs(one) for one in alike.values()]


def origin(worker: Any, asked: ResolvedClaim) -> dict[str, Any]:
    """Return what a claim's numbers come from: digests of its inputs by kind, and what of the code they rest on."""
    found = inputs(worker, asked.experiments)
    if not found:
        return {"inputs": readings(asked), "code": []}
    from lottery.experiments.inputs import gathered, names

    return {"inputs": gathered(found) | readings(asked), "code": names(found)}


def devices_mixed(worker: Any, experiments: Sequence) -> bool:
    """Return whether networks of one seed, whose difference is taken, were computed on different devices."""
    used: dict[tuple[str, int], set[object]] = {}
    for one in experiments:
        if record := worker.record(one):
            used.setdefault((one.setting.network, one.seed), set()).add(record.made["device"])
    return any(len(devices) > 1 for devices in used.values())


def replaced_criteria(experiments: Sequence) -> list[str]:
    """Return the criteria that `--as` replaced and that experiments' masks come from."""
    if not experiments:
        return []
    from lottery.experiments.keys import criteria_of
    from lottery.masks.criteria import REPLACED

    used = {name for arm in {one.arm for one in experiments} for name in criteria_of(arm)} if REPLACED else set()
    return sorted(used & set(REPLACED))


def levels(worker: Any, searches: Sequence) -> dict[str, dict[str, Any]]:
    """Return by network what searches are measured against, as means over draws.

    That is the scores of the planted ticket and of trivial functions.
    """
    found: dict[str, dict[str, Any]] = {}
    for network in sorted({one.setting.network for one in searches}):
        own = {one.seed: one for one in searches if one.setting.network == network and one.arm.noise is None}
        measured: list[Mapping] = [record.measurements for one in own.values() if (record := worker.record(one))]
        if records := [one for one in measured if "ticket" in one]:  # what is only held against it has no scores
            found[network] = {
                name: plain(sum(one[name] for one in records) / len(records))
                for name in ("ticket", "constant", "affine")
            }
    return found
