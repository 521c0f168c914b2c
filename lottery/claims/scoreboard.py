"""The scoreboard: what questions say of users' criteria and treatments, and of the papers' beside them, seed by seed.

Each cell compares what a question says of one with what it says of the first reference in the same seeds: of criteria
`large_final`, of treatments of kept weights `rewind`, of pruned ones `zero`. It is
`equal` where the 90 % interval of the difference lies within the question's margin, else `better` or `worse` where that
interval lies on one side of zero, in the direction that the question's region asks for, else `open`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from lottery.claims.claim import REFERENCES, Effect, Statement
from lottery.claims.judging import Judge
from lottery.claims.quantities import Measurements
from lottery.claims.resolved import ResolvedClaim
from lottery.claims.results import plain
from lottery.claims.statistics import ERROR, REPRODUCED, Decision, Region
from lottery.core.errors import told

BETTER, EQUAL, WORSE, OPEN = "better", "equal", "worse", "open"
REFERENCE, NOT_ASKED = "reference", "not asked"
STATES = (BETTER, EQUAL, WORSE, OPEN, REFERENCE, ERROR, NOT_ASKED)
CONTESTS = tuple(REFERENCES)
ALL_REFERENCES = [name for names in REFERENCES.values() for name in names]

Cell = dict[str, object]
Lacking = Callable[[Sequence], tuple[str, str]]  # the state and the reason why experiments have no result, or empty


def cells(asked: ResolvedClaim, measured: Callable[[object], Measurements], lacking: Lacking) -> list[Cell]:
    """Return the cells of a question asked of what is a user's own: of that first, then those of the references."""
    claim, region, margin = asked.claim, asked.question.region or Region(), asked.question.margin
    judge, statements = Judge(asked, measured), {claim.subject: asked.statement, **asked.references}
    first = REFERENCES[claim.contest][0]
    found: list[Cell] = []
    for name, statement in statements.items():
        cell: Cell = {
            "question": claim.entry_id.partition("[")[0],
            "statement": asked.entry.statement,
            "network": "" if claim.variant == claim.subject else claim.network,
            "contest": claim.contest,
            "name": name,
            "own": name == claim.subject,
            "unit": asked.entry.unit,
            "margin": margin,
            **dict.fromkeys(("estimate", "interval", "difference", "difference_interval")),
            "n": 0,
            "effects": [],
            "state": ERROR if asked.error else NOT_ASKED,
            "reason": asked.error or asked.skip,
        }
        if isinstance(statement, Effect) and not asked.skip and not asked.error:
            cell |= _scored(asked, judge, statement, None if name == first else statements.get(first), region, lacking)
        found.append(cell)
    return found


def _scored(
    asked: ResolvedClaim, judge: Judge, own: Effect, first: Statement | None, region: Region, lacking: Lacking
) -> Cell:
    """Return what a question says of one, and how it compares with the first reference if that is another."""
    margin = asked.question.margin
    state, reason = lacking(asked.experiments_of(own))
    if state:
        return {"state": state, "reason": reason}
    try:
        decision, effects = judge.mean(own, Region())
        cell: Cell = {"estimate": decision.estimate, "interval": plain(decision.interval), "n": decision.n}
        if first is None:
            return cell | {"state": REFERENCE, "reason": decision.reason, "effects": plain(effects)}
        state, reason = lacking(asked.experiments_of(first))
        if state or not isinstance(first, Effect):
            return cell | {"state": OPEN, "reason": f"{REFERENCES[asked.claim.contest][0]}: {reason}"}
        within = Region() if margin is None else Region(-margin, margin)
        difference, effects = judge.mean(Effect(own.quantity - first.quantity), within)
    except KeyboardInterrupt:
        raise
    except BaseException as raised:  # of the question's own functions
        return {"state": ERROR, "reason": f"{asked.claim.id}: judging it raised {told(raised)}"}
    return cell | {
        "difference": difference.estimate,
        "difference_interval": plain(difference.interval),
        "n": difference.n,
        "effects": plain(effects),
        "state": compared(difference, region, margin),
        "reason": difference.reason,
    }


def compared(difference: Decision, region: Region, margin: float | None) -> str:
    """Return whether a difference is better, equal, worse or open, of a question whose region opens to one side."""
    if margin is not None and difference.verdict == REPRODUCED:
        return EQUAL
    if difference.interval is None or difference.reason:
        return OPEN
    low, high = difference.interval
    lower_is_better = region.low == -float("inf") and region.high < float("inf")
    better, worse = (high < 0, low > 0) if lower_is_better else (low > 0, high < 0)
    return BETTER if better else WORSE if worse else OPEN


def gathered(scores: Sequence[Mapping]) -> list[Mapping]:
    """Return the cells of a run, each once: by question, users' own first, then the references in their order."""
    found = {(cell["question"], cell["network"], cell["name"]): cell for cell in scores if not cell["own"]}
    found |= {(cell["question"], cell["network"], cell["name"]): cell for cell in scores if cell["own"]}
    questions = list(dict.fromkeys((cell["question"], cell["network"]) for cell in scores))

    def place(cell: Mapping) -> tuple:
        reference = ALL_REFERENCES.index(cell["name"]) if cell["name"] in ALL_REFERENCES else -1
        asked = questions.index((cell["question"], cell["network"]))
        return asked, not cell["own"], reference if not cell["own"] else 0, cell["name"]

    return sorted(found.values(), key=place)


def questions(board: Sequence[Mapping]) -> Iterator[tuple[Mapping, dict[str, Mapping]]]:
    """Yield the questions of a scoreboard, each by its first cell, with its cells by name."""
    of: dict[tuple, dict[str, Mapping]] = {}
    for cell in board:
        of.setdefault((cell["question"], cell["network"]), {})[cell["name"]] = cell
    for by_name in of.values():
        yield next(iter(by_name.values())), by_name


def boards(scores: Sequence[Mapping]) -> dict[str, list[Mapping]]:
    """Return the cells of each contest that has any: of criteria, of treatments of kept and of pruned weights."""
    found = {contest: [cell for cell in scores if cell["contest"] == contest] for contest in CONTESTS}
    return {contest: cells for contest, cells in found.items() if cells}


def own_names(board: Sequence[Mapping]) -> list[str]:
    """Return what users' own are called in a contest."""
    return list(dict.fromkeys(cell["name"] for cell in board if cell["own"]))
