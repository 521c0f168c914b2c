"""Remarks below the results table: what needs a word, and what searches are measured against."""

from collections.abc import Mapping, Sequence

from lottery.claims.results import in_order
from lottery.claims.statistics import REFUTED, REPRODUCED
from lottery.report.results_table import claim_name


def remarks(results: Sequence[Mapping]) -> list[str]:
    """Return a line for every claim that was skipped, inconclusive or refuted, or of which a part failed."""
    lines = []
    for result in in_order(results):
        reasons = [result["reason"]]
        if result["verdict"] == result["expected_verdict"] == REFUTED and not result["negative_control"]:
            reasons.append(result["expected_because"])
        for part in result["parts"]:
            if part["verdict"] != REPRODUCED and part["estimate"] is not None:
                reasons.append(f"{part['name']} {part['verdict']}: {part['estimate']:+.2f}")
        if any(reasons):
            lines.append(f"{claim_name(result)}: {result['verdict']}: {'; '.join(filter(None, reasons))}")
    return lines


def levels(results: Sequence[Mapping]) -> list[str]:
    """Return a line for every network that was searched: the scores of its planted ticket and of trivial functions."""
    scores_by_network: dict[str, Mapping] = {}
    for result in results:
        scores_by_network = {**result["levels"], **scores_by_network}
    lines = []
    for network, scores in sorted(scores_by_network.items()):
        accuracy = "circle" in network
        ticket, constant, affine = (
            f"{scores[name]:.1f} %" if accuracy else f"{scores[name]:.3g}" for name in ("ticket", "constant", "affine")
        )
        what = "test accuracy" if accuracy else "mean squared error"
        trivial = f"of the best constant {constant}, affine {affine}"
        lines.append(f"{network}: {what} of the planted ticket {ticket}, {trivial}")
    return lines
