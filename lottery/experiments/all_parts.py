"""All parts of arms: whoever needs an experiment's parents or its batch key takes them from here."""

from lottery.experiments import action_parts, comparison_parts, consensus_parts, mask_parts, search_part, start_parts  # noqa: F401  they register what they implement
from lottery.experiments.parts import batch_key, parents, parts

__all__ = ["batch_key", "parents", "parts"]
