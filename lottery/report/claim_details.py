"""A claim in full for the page: what opens below its row, in plain terms that are laid out when somebody asks."""

from collections.abc import Mapping

from lottery.report import explanation
from lottery.report.results_table import claim_name, number
from lottery.report.screen import agreement


def details(result: Mapping, report: Mapping) -> dict[str, object]:
    """Return what is known of a claim: its facts, every seed of each outcome, its arms, and how to look further."""
    return {
        "facts": [[label, text] for label, text in explanation.facts(result, report) if text],
        "outcomes": [_outcome(part, result) for part in result["parts"] or [result] if part["estimate"] is not None],
        "arms": [[name, means] for name, means in explanation.means_by_round(result).items()],
        "seeds": list(result["seeds"]),
        "test": result["test"],
        "commands": [f"lottery explain '{claim_name(result)}'", explanation.replay_command(result, report)],
    }


def _outcome(part: Mapping, result: Mapping) -> dict[str, object]:
    told = {
        "name": explanation.outcome_name(part),
        "ours": explanation.outcome_told(part, result),
        "verdict": part["verdict"],
        "agrees": agreement(part["region"], explanation.outcome_unit(part, result)) if part["region"] else "",
        "seeds": ["–" if effect is None else number(effect, result["unit"]) for effect in part["effects"]],
    }
    if p_values := explanation.p_values(part):
        told["p"] = p_values
    return told
