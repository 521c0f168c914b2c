"""All parts of arms: whoever needs an experiment's parents or its batch key takes them from here."""

import functools

from lottery.experiments import action_parts, comparison_parts, consensus_parts, mask_parts, search_part, start_parts  # noqa: F401  they register what they implement
from lottery.experiments.experiment import Experiment
from lottery.experiments.parts import batch_key, parts
from lottery.experiments.parts import parents as _parents

__all__ = ["batch_key", "parents", "parts"]


@functools.lru_cache(maxsize=2**17)
def parents(experiment: Experiment) -> tuple[Experiment, ...]:
    """Return the experiments that this one rests on, each once; a run asks for those of one many times."""
    return _parents(experiment)
