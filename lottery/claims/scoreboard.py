"""The scoreboard: what questions say of users' criteria and treatments, and of the papers' beside them, seed by seed.

Each cell compares what a question says of one with what it says of the first reference in the same seeds: of criteria
`large_final`, of treatments of kept weights `rewind`, of pruned ones `zero`. It is
`equal` where the 90 % interval of the difference lies within the question's margin, else `better` or `worse` where that
interval lies on one side of zero, in the direction that the question's region asks for, else `open`. Where more than
a few seeds have a network that failed, that has to be true of these seeds and of the others.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from lottery.claims.claim import REFERENCES, Effect, Statement
from lottery.claims.judging import ABOVE_ZERO, Judge
from lottery.claims.quantities import Measurements
from lottery.claims.resolved import ResolvedClaim
from lottery.claims.results import plain
from lottery.claims.statistics import ERROR, REPRODUCED, Decision, Region, towards
from lottery.core.errors import told

EQUAL, OPEN, REFERENCE, NOT_ASKED = "equal", "open", "reference", "not asked"  # besides BETTER, WORSE, ERROR
TWO_ENDS = "the question's region has two ends, so that neither side of zero is better"
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
            "failed": [],
            "clouded": False,
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
    state, reason = lacking(asked.experiments_of(own))
    if state:
        return {"state": state, "reason": reason}
    try:
        decision, effects = judge.mean(own, ABOVE_ZERO)
        cell: Cell = {"estimate": decision.estimate, "interval": plain(decision.interval), "n": decision.n}
        if first is None:
            cell |= {"effects": plain(effects), "failed": list(decision.failed)}
            return cell | {"state": REFERENCE, "reason": decision.reason}
        state, reason = lacking(asked.experiments_of(first))
        if state or not isinstance(first, Effect):
            return cell | {"state": OPEN, "reason": f"{REFERENCES[asked.claim.contest][0]}: {reason}"}
        return cell | _compared(judge, Effect(own.quantity - first.quantity), region, asked.question.margin)
    except KeyboardInterrupt:
        raise
    except BaseException as raised:  # of the question's own functions
        return {"state": ERROR, "reason": f"{asked.claim.id}: judging it raised {told(raised)}"}


def _compared(judge: Judge, difference: Effect, region: Region, margin: float | None) -> Cell:
    """Return how what a question says of one compares with what it says of the first reference."""
    decision, effects = judge.mean(difference, ABOVE_ZERO)
    within = None if margin is None else judge.mean(difference, Region(-margin, margin))[0]
    state = compared(decision, within, region)
    reasons = [decision.reason, within.reason if within else "", TWO_ENDS if decision.side else ""]
    return {
        "difference": decision.estimate,
        "difference_interval": plain(decision.interval),
        "n": decision.n,
        "effects": plain(effects),
        "failed": list(decision.failed),
        "state": state,
        "clouded": state == OPEN and (decision.clouded or bool(within and within.clouded)),
        "reason": next(filter(None, reasons), "") if state == OPEN else "",
    }


def compared(difference: Decision, within: Decision | None, region: Region) -> str:
    """Return whether a difference is better, equal, worse or open, of a question whose region opens to one side.

    `within` is the decision whether it lies within the question's margin, None where the question has none.
    """
    if within is not None and within.verdict == REPRODUCED:
        return EQUAL
    return towards(difference.side, region) or OPEN


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
