"""A claim in full for the page: what opens below its row, in plain terms that are laid out when somebody asks."""

from collections.abc import Mapping

from lottery.report.explanation import facts, means_by_round, replay_command
from lottery.report.results_table import claim_name, number, ours
from lottery.report.screen import agreement


def details(result: Mapping, report: Mapping) -> dict[str, object]:
    """Return what is known of a claim: its facts, every seed of each outcome, its arms, and how to look further."""
    return {
        "facts": [[label, text] for label, text in facts(result) if text],
        "outcomes": [_outcome(part, result) for part in result["parts"] or [result] if part["estimate"] is not None],
        "arms": [[name, means] for name, means in means_by_round(result).items()],
        "seeds": list(result["seeds"]),
        "test": result["test"],
        "commands": [f"lottery explain '{claim_name(result)}'", replay_command(result, report)],
    }


def _outcome(part: Mapping, result: Mapping) -> dict[str, object]:
    unit = "of seeds" if part["kind"] == "proportion" else result["unit"]
    told = {
        "name": part.get("name", "estimate").replace("_", " "),
        "ours": ours({**part, "parts": [], "unit": unit}),
        "verdict": part["verdict"],
        "agrees": agreement(part["region"], unit) if part["region"] else "",
        "seeds": ["–" if effect is None else number(effect, result["unit"]) for effect in part["effects"]],
    }
    if part["p_inside"] is not None:
        told["p"] = f"p-value of agreeing {part['p_outside']:.2g}, of not agreeing {part['p_inside']:.2g}"
    return told
