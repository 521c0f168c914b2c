"""Comparing a run with an earlier one, seed by seed: what is bit-identical, what moved within noise, what drifted."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from lottery.claims.results import SCHEMA
from lottery.claims.statistics import decide_drift, holm
from lottery.core.errors import LotteryError

SAME = {"state": "same", "reason": "", "p": None, "move": 0.0}
COMPARABLE = ("scale", "metric", "trained_network", "dataset", "data_fingerprint")


def read(path: Path) -> dict[str, Mapping]:
    """Return the claims of an earlier `results.json` by id; raise if the file is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise LotteryError(
                f"--baseline {path}: schema {content['schema']}, this suite reads {SCHEMA}; make the baseline anew"
            )
        claims = {result["id"]: result for result in content["claims"]}
        for claim in claims.values():
            _check(claim)
        return claims
    except OSError as error:
        raise LotteryError(f"--baseline {path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LotteryError(
            f"--baseline {path} is not a results.json of this suite ({type(error).__name__}: {error})"
        ) from None


def _check(claim: Mapping) -> None:
    """Raise if a claim lacks what a comparison needs."""
    for name in (*COMPARABLE, "verdict"):
        claim[name]
    for part in [claim, *claim["parts"]]:
        if not all(effect is None or isinstance(effect, (int, float)) for effect in part["effects"]):
            raise ValueError(f"effects of {claim['id']}")


def compare(results: Sequence[Mapping], baseline: Mapping[str, Mapping]) -> list[dict[str, object]]:
    """Return, for every claim that both have, what became of it: "same", "moved", "drifted" or "not comparable", with the mean move."""
    rows = []
    for result in results:
        before = baseline.get(result["id"])
        if before is None:
            continue
        different = [name for name in COMPARABLE if result[name] != before[name]]
        if different:
            rows.append(
                {
                    "id": result["id"],
                    "state": "not comparable",
                    "reason": f"another {different[0]}",
                    "p": None,
                    "move": None,
                }
            )
        else:
            rows += [{"id": result["id"]} | row for row in _moves(result, before)]
    tested = [row for row in rows if row["state"] == "moved"]
    for row, significant in zip(tested, holm([row["p"] for row in tested])):
        row["state"] = "drifted" if significant else "moved"
    return rows


def _moves(result: Mapping, before: Mapping) -> list[dict[str, object]]:
    """Return the moves of a claim's effects, or of each part's of a conjunction."""
    pairs = [(result["effects"], before["effects"])] + [
        (a["effects"], b["effects"]) for a, b in zip(result["parts"], before["parts"])
    ]
    rows = []
    for now, then in pairs:
        both = [(a, b) for a, b in zip(now, then) if a is not None and b is not None]
        if now == then:
            if now or not result["parts"]:
                changed = not now and result["verdict"] != before["verdict"]  # an exact claim, or one without effects
                rows.append({"state": "moved", "reason": "another verdict", "p": 0.0, "move": 0.0} if changed else SAME)
        elif len(both) < 2:
            rows.append({"state": "not comparable", "reason": "fewer than two common seeds", "p": None, "move": None})
        else:
            differences = [a - b for a, b in both]
            move = sum(differences) / len(differences)
            rows.append({"state": "moved", "reason": "", "p": decide_drift(differences), "move": move})
    return rows


def remarks(rows: Sequence[Mapping], path: str) -> list[str]:
    """Return a line about the whole comparison, and one for every claim that drifted or could not be compared."""
    counts = {
        state: sum(row["state"] == state for row in rows) for state in ("same", "moved", "drifted", "not comparable")
    }
    shown = ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "no claim in common"
    lines = [f"baseline {path}: {shown}"]
    for row in rows:
        if row["state"] == "drifted":
            how = row["reason"] or f"by {row['move']:+.3g} (paired t, p = {row['p']:.2g})"
            lines.append(f"{row['id']}: drifted from the baseline: {how}")
        elif row["state"] == "not comparable":
            lines.append(f"{row['id']}: not comparable with the baseline: {row['reason']}")
    return lines
