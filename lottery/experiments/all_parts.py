"""All parts of arms: whoever needs an experiment's parents or its batch key takes them from here."""

import functools
from collections.abc import Container, Iterable

from lottery.experiments import action_parts, comparison_parts, consensus_parts, mask_parts, search_part, start_parts  # noqa: F401  they register what they implement
from lottery.experiments.experiment import Experiment
from lottery.experiments.parts import batch_key, parts
from lottery.experiments.parts import parents as _parents

__all__ = ["batch_key", "parents", "parts", "with_ancestors"]


@functools.lru_cache(maxsize=2**17)
def parents(experiment: Experiment) -> tuple[Experiment, ...]:
    """Return the experiments that this one rests on, each once; a run asks for those of one many times."""
    return _parents(experiment)


def with_ancestors(experiments: Iterable[Experiment], among: Container[Experiment] | None = None) -> list[Experiment]:
    """Return the experiments and all that they rest on, each once; `among`: as far as all of that is among these."""
    found = {one: None for one in experiments if among is None or one in among}
    open_ends = list(found)
    while open_ends:
        new = [one for one in parents(open_ends.pop()) if one not in found and (among is None or one in among)]
        found |= dict.fromkeys(new)
        open_ends += new
    return list(found)
