"""What moved from an earlier run, in lines of text: for `lottery compare`, beside a run's answer, and for GitHub."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from tabulate import tabulate

from lottery.claims.baselines import DIGITS
from lottery.claims.comparison import DRIFTED, MOVED, NEW, NOT_COMPARABLE, SAME, TURNED, Comparison, Move, verdicts
from lottery.claims.results import of_differences
from lottery.claims.rule import RULE
from lottery.core.text import cut, for_markdown, spoken
from lottery.report.results_table import claim_name, code, span

TITLES = {
    TURNED: "SAME NUMBERS, OTHER VERDICT",
    DRIFTED: "MOVED BY MORE THAN CHANCE",
    MOVED: "MOVED, NOT SIGNIFICANTLY",
    NOT_COMPARABLE: "NOT COMPARABLE",
}
HEADERS = ("claim", "", "moved by, 90 % interval", "p (Holm)", "changed")
OTHER_RULE = f"{RULE} has changed"
SIZE = 34  # columns of a move with its interval
NAMED = 4  # verdicts that are named of those that turned


def difference(found: Comparison, results: Mapping[str, Mapping], width: int) -> list[str]:
    """Return all that is to be said of a comparison; `results` are the later run's by id."""
    lines = summary(found, width)
    for state in TITLES:
        moves = [move for move in found["moves"] if move["state"] == state]
        if moves:
            lines += ["", _titled(state, found["moves"])]
            lines += rows([move for move in moves if move["reason"] != NEW], found["moves"], results, width)
            lines += _new(moves)
    return lines


def brief(found: Comparison, results: Mapping[str, Mapping], width: int, few: int) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a comparison beside a run's answer, and whether each is a title: what fails, a `few` of it.

    All that moved, where every number has to be the same.
    """
    sections = [(TURNED,), (DRIFTED, MOVED) if found["exact"] else (DRIFTED,)]
    failing = [[move for move in found["moves"] if move["state"] in states] for states in sections]
    lines = summary(found, width, turned=0) if any(failing) else wrap(_counted(found), width, subsequent_indent="  ")
    yield from ((line, False) for line in lines)
    for states, moves in zip(sections, failing):
        if not moves:
            continue
        whole = MOVED in states
        yield f"NOT THE SAME  {len(moves)}" if whole else _titled(states[0], found["moves"]), True
        shown = moves if whole else sorted(moves, key=_p)[:few]
        yield from ((line, False) for line in rows(shown, found["moves"], results, width))
        if len(moves) > len(shown):
            yield f"      and {len(moves) - len(shown)} more: lottery compare {found['name']}", False


def summary(found: Comparison, width: int, turned: int = NAMED) -> list[str]:
    """Return how many are the same and moved, and what is different: of what the numbers come from, and around.

    As many verdicts are named that `turned`.
    """
    text, changes = _counted(found), list(_changes(found["moves"]))
    if not changes and not found["around"] and found["moves"] and not found["stored"]:
        text += "; nothing that a run records differs"
    others = list(_turned(found["moves"]))
    more = [f"turned: {len(others) - turned} more"] if len(others) > turned > 0 else []
    lines = [text, *others[:turned], *more, *changes, *(f"different: {line}" for line in found["around"])]
    return [part for line in lines for part in wrap(line, width, subsequent_indent="  ")]


def _counted(found: Comparison) -> str:
    """Return in a line how many verdicts are the same, and of how many claims and parts the numbers are, or moved."""
    counts, moves = Counter(move["state"] for move in found["moves"]), found["moves"]
    if not moves:
        return f"against {found['name']}: no claim in common"
    same = f"the same to {DIGITS} digits" if found["stored"] else "the same, bit for bit"
    told = [f"{counts[SAME]} {same}"] if counts[SAME] else []
    told += [f"{counts[TURNED]} the same, with another verdict"] if counts[TURNED] else []
    if moved := counts[MOVED] + counts[DRIFTED]:
        told.append(f"{moved} moved, {counts[DRIFTED] or 'none'} by more than chance")
    told += [f"{counts[NOT_COMPARABLE]} not comparable"] if counts[NOT_COMPARABLE] else []
    if not found["stored"]:  # which has many that a run does not ask
        told += [f"{_claims(found['only_before'])} only before"] if found["only_before"] else []
    told += [f"{_claims(found['only_after'])} only now"] if found["only_after"] else []
    parts = sum(bool(move["part"]) for move in moves)
    several = f"{parts} part{'s' * (parts > 1)} of claims" if parts == len(moves) else f"{len(moves)} claims and parts"
    several = several if parts else _claims(len(moves))
    return f"against {found['name']}: {_verdicts(moves)}of {several} {'; '.join(told)}"


def _claims(count: int) -> str:
    return f"{count} claim{'s' * (count != 1)}"


def _verdicts(moves: Sequence[Move]) -> str:
    """Return how many verdicts are those of before, as words that others follow."""
    known = list(verdicts(moves).values())
    same = sum(before == now for before, now in known)
    if not known:
        return ""
    if len(known) == 1:
        return f"the verdict {'the same' if same else 'another'}; "
    return f"{'all' if same == len(known) else f'{same} of'} {len(known)} verdicts the same; "


def _turned(moves: Sequence[Move]) -> Iterator[str]:
    """Yield the verdicts that are others than before."""
    for id, (before, now) in verdicts(moves).items():
        if before != now:
            yield f"turned: {id.partition('.')[2]}: {before} before, {now} now"


def _changes(moves: Sequence[Move]) -> Iterator[str]:
    """Yield what is another of what numbers come from, with how much depends on it, and what moved without that."""
    known = [move for move in moves if move["changed"] is not None]
    dependent = Counter(name for move in known for name in move["changed"] or ())
    moved = Counter(name for move in known if move["state"] in (MOVED, DRIFTED) for name in move["changed"] or ())
    for name, count in sorted(dependent.items(), key=lambda item: (-moved[item[0]], -item[1], item[0])):
        yield f"changed: {name}: {count} depend on it, {moved[name] or 'none'} of them moved"
    alike = [move for move in known if not move["changed"] and move["state"] != NOT_COMPARABLE]
    others = sum(move["state"] in (MOVED, DRIFTED) for move in alike)
    if others:
        yield (
            f"same inputs, other numbers: {others} of {len(alike)} whose code, data, training and arms are the same; "
            "another machine or torch causes this; on the same machine it is a fault of this suite"
        )


def _new(moves: Sequence[Move]) -> list[str]:
    """Return how many claims were not asked before in a line, if any: after a night cut short they are many."""
    count = sum(move["reason"] == NEW for move in moves)
    return [f"{count} {'claims' if count > 1 else 'claim'} answered now, {NEW}"] if count else []


def _titled(state: str, moves: Sequence[Move]) -> str:
    count, tested = sum(move["state"] == state for move in moves), sum(move["p"] is not None for move in moves)
    told = {DRIFTED: f"{count} of {tested} that moved; p after Holm's procedure", TURNED: f"{count}: {OTHER_RULE}"}
    return f"{TITLES[state]}  {told.get(state, count)}"


def rows(chosen: Sequence[Move], moves: Sequence[Move], results: Mapping[str, Mapping], width: int) -> list[str]:
    """Return a row for each of the chosen moves, and below it what changed for it, where that differs among them."""
    several = len({tuple(move["changed"] or ()) for move in moves if move["state"] in (MOVED, DRIFTED)}) > 1
    shown = {id(move): cells(move, results[move["id"]]) for move in chosen}
    towards_room = max([7, *(len(towards) + 1 for _, towards, *_ in shown.values())])
    p_room = max((len(p) for *_, p in shown.values()), default=0)
    room, lines = max(20, width - SIZE - 2 - towards_room - p_room), []
    for move in sorted(chosen, key=_p):
        name, towards, size, p = shown[id(move)]
        if move["state"] == NOT_COMPARABLE:
            lines.append(cut(f"{name}: {move['reason']}", width))
            continue
        lines.append(cut(f"{cut(name, room):{room}} {towards:{towards_room}}{size:{SIZE}} {p}", width))
        if move["part"] and len(name) > room:  # else rows of one claim read alike
            lines += wrap(spoken(move["part"]), width, initial_indent="      ", subsequent_indent="      ")
        if several and move["changed"]:
            lines += wrap(", ".join(move["changed"]), width, initial_indent="      ", subsequent_indent="      ")
    return lines


def _p(move: Move) -> float:
    """Return by what moves are sorted: the surest first."""
    return 1.0 if move["p"] is None else move["p"]


def cells(move: Move, result: Mapping) -> tuple[str, str, str, str]:
    """Return a move's claim, direction, size with its interval, and p-value."""
    name = f"{code(result):5} {claim_name(result)}" + (f", {spoken(move['part'])}" if move["part"] else "")
    if move["state"] == TURNED:
        return name, "", move["reason"], ""
    if move["move"] is None:
        return name, "", f"now {result['verdict']}" if move["p"] is not None else "", ""
    unit = "" if "," in result["unit"] else of_differences(result["unit"])
    size = f"{move['move']:+.3g}"
    size += f" {span(move['interval'], unit)}" if move["interval"] else ""
    p = move["reason"] or (f"p {move['adjusted']:.2g}" if move["adjusted"] is not None else "")
    return name, move["towards"], f"{size} {unit}".rstrip(), p


def markdown(found: Comparison, results: Mapping[str, Mapping]) -> str:
    """Return a comparison for a comment on GitHub: what is different, and a table of what moved."""
    lines = [f"- {for_markdown(line)}" for line in summary(found, 10_000)]
    shown = []
    for state in (TURNED, DRIFTED, MOVED):
        for move in (move for move in found["moves"] if move["state"] == state):
            name, towards, size, p = cells(move, results[move["id"]])
            words = {TURNED: "**same numbers, other verdict**", DRIFTED: f"**{towards or 'moved'}**"}
            word = words.get(state, "not significant")
            because = for_markdown(", ".join(move["changed"] or ()))
            shown.append((for_markdown(name), word, size, p.removeprefix("p "), because))
    table = tabulate(shown, HEADERS, "github", disable_numparse=True)
    reasons = [
        f"- {for_markdown(cells(move, results[move['id']])[0])}: not comparable: {for_markdown(move['reason'])}"
        for move in found["moves"]
        if move["state"] == NOT_COMPARABLE and move["reason"] != NEW
    ]
    reasons += [f"- not comparable: {line}" for line in _new(found["moves"])]
    return "\n".join([*lines, *(["", table] if shown else []), *(["", *reasons] if reasons else [])])
