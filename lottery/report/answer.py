"""What a run came to, in parts that a terminal and a page lay out each in its own way."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lottery.claims.baselines import BUDGET
from lottery.claims.comparison import Move
from lottery.claims.expectation import BASELINE, CONTRADICTION, CONTROL, OPEN
from lottery.claims.judging import deviates, fails
from lottery.claims.statistics import ANSWERS, ERROR, INCONCLUSIVE, REFUTED, REPRODUCED, SKIPPED
from lottery.claims.uncounted import beyond_chance, is_open_as_before, moves_of, why_uncounted
from lottery.report.plan_table import duration

OF_PAPER = "of paper"  # the head of a column:
OF_PAPER_MEANS = "how many of the claims that the paper makes have an answer; one claim may be several tests"
NO_TIME = "do not fit the budget"
SHOW, NO_SCALE = "lottery show", "--no-scale"  # the command, and its option for what no scale asks
INTERRUPTED = 2  # as pytest has it
KEPT = "everything that was finished is kept, and the same command continues from there"
SCORED = ("criterion", "treatment")  # the options whose claims are on the scoreboard
AS_EXPECTED, AS_BEFORE = "AS EXPECTED", "OPEN, AS IN THE BASELINE"
GOOD = (AS_EXPECTED, AS_BEFORE)  # first words of a run that does not fail
SHORT = {REPRODUCED: "yes", REFUTED: "NO", INCONCLUSIVE: "open"}
BASES = {BASELINE: "known before", CONTRADICTION: "contradicted", OPEN: "left open"}  # why they may be refuted
RANK = {BASELINE: 1, CONTRADICTION: 2, CONTROL: 3}


class State(NamedTuple):
    """The first words about a run, how many answers there are, what these are worth, and what is wrong with the run."""

    word: str
    counts: str
    worth: str
    lost: str


class Paper(NamedTuple):
    """How many tests of a paper's claims came to each verdict, under `heads`; a dash for none."""

    letter: str
    title: str
    cells: list[str]


class NotAsked(NamedTuple):
    """How many tests were not asked for one reason, and what would ask them, in which time here where it is known."""

    tests: int
    reason: str
    way: str


def state(report: Mapping, results: Sequence[Mapping]) -> State:
    """Return a run's state."""
    answered = [result for result in results if result["verdict"] in ANSWERS]
    other = unexpected(results)
    controls = [result for result in answered if result["negative_control"]]
    held = sum(result["verdict"] == REFUTED for result in controls)
    decided = any(result["verdict"] in (REPRODUCED, REFUTED) for result in answered)
    undecided = AS_BEFORE if is_open_as_before(results, moves_of(report)) else "NOTHING DECIDED"
    status, lost = report["exit_status"], len(report["no_verdict"])
    interrupted = status == INTERRUPTED
    word = "OTHER THAN EXPECTED" if other else AS_EXPECTED if decided else undecided
    if interrupted and not other:
        word = "INTERRUPTED"
    elif status and word in GOOD:  # a drift, a claim without verdict, --strict: the remarks say which
        word = "FAILED, see below"
    errors = sum(result["verdict"] == ERROR for result in results)
    counts = f"{len(answered)} of {len(results) + lost * interrupted} tests answered, "
    counts += f"{counted(errors, 'ended in an error', 'ended in errors')}, " * bool(errors)
    counts += f"{len(other) or 'none'} other than expected{beyond_chance(results)}"
    counts += f"; controls {held}/{len(controls)}" if controls else ""
    counts += f"; {'interrupted: ' * bool(other)}{KEPT}" if interrupted else ""
    exact = sum(result["kind"] == "exact" for result in answered)
    analogues = sum(bool(result["analogue"]) for result in answered)
    worth = f"{counted(analogues, 'answer is an analogue', 'answers are analogues')} (~: smaller data, "
    worth += f"network or training, no verdict on a paper), {exact} exact, "
    worth += f"{len(answered) - exact - analogues} asked in full."
    told = f"{lost} collected claims brought no verdict" if lost and not interrupted else ""
    return State(word, f"{counts}.", worth if answered else "", told)


def counted(number: int, one: str, several: str) -> str:
    """Return a number with the noun that it takes."""
    return f"{number:,} {one if number == 1 else several}"


def is_unexpected(result: Mapping) -> bool:
    """Return whether a result is other than expected, by more than chance."""
    return bool(fails(result, result["counts"]))


def unexpected(results: Sequence[Mapping]) -> list[Mapping]:
    """Return what is other than expected."""
    return [result for result in results if is_unexpected(result)]


def heads(results: Sequence[Mapping]) -> list[str]:
    """Return the heads of `by_paper`: verdicts, errors where there are any, what was not asked, and answers."""
    return [*SHORT, *[ERROR] * any(result["verdict"] == ERROR for result in results), "not asked", OF_PAPER]


def by_paper(results: Sequence[Mapping]) -> list[Paper]:
    """Return a row for every paper, in the order of its results."""
    rows, verdicts = [], [SKIPPED if head == "not asked" else head for head in heads(results)[:-1]]
    for title in dict.fromkeys(result["title"] for result in results):
        own = [result for result in results if result["title"] == title]
        counts = Counter(result["verdict"] for result in own)
        cells = [str(counts[verdict] or "-") for verdict in verdicts]
        answered = {result["number"] for result in own if result["verdict"] in ANSWERS}
        cells.append(f"{len(answered)} of {own[0]['numbers']}" if own[0]["numbers"] else "")
        rows.append(Paper(own[0]["letter"], title.partition(",")[0], cells))
    return rows


def headlines(results: Sequence[Mapping]) -> list[Mapping]:
    """Return the answers to the papers' main claims."""
    return [result for result in results if result["headline"] and result["verdict"] in ANSWERS]


def refuted(results: Sequence[Mapping], moves: Sequence[Move] = ()) -> tuple[list[Mapping], str]:
    """Return what is refuted besides the controls, what no entry expects first, with how many are what.

    `moves` are those from the run's baseline. What users' criteria and treatments came to is on the scoreboard.
    """
    found = [result for result in results if result["verdict"] == REFUTED and not result["negative_control"]]
    found = [result for result in found if not is_unexpected(result) and result["own"] not in SCORED]
    bases = Counter(result["expected_basis"] for result in found if not deviates(result))
    told = [f"{bases[basis]} {words}" for basis, words in BASES.items() if bases[basis]]
    uncounted = Counter(why_uncounted(result, moves) for result in found if deviates(result))
    told += [f"{count} not counted: {why}" for why, count in sorted(uncounted.items())]
    found.sort(key=lambda result: (not deviates(result), RANK.get(result["expected_basis"], 0)))
    besides = " besides the controls" * any(result["negative_control"] for result in results)
    return found, f"{len(found)}{besides}" + f": {', '.join(told)}" * bool(told)


def inconclusive(results: Sequence[Mapping]) -> list[Mapping]:
    """Return the inconclusive claims that are not other than expected and not on the scoreboard."""
    found = [result for result in results if result["verdict"] == INCONCLUSIVE and not is_unexpected(result)]
    return [result for result in found if result["own"] not in SCORED]


def title_of(groups: Sequence[NotAsked]) -> str:
    """Return the heading of what was not asked, which names the scale unless time was short for some of it."""
    return "Not asked" if any(group.reason == NO_TIME for group in groups) else "Not asked at this scale"


def is_asked_nowhere(result: Mapping) -> bool:
    """Return whether a claim was not asked, and no other scale asks it either."""
    elsewhere = any(name != result["scale"] for name in result["asked_at"])
    return result["verdict"] == SKIPPED and result["reason"] != BUDGET and not elsewhere


def not_asked(results: Sequence[Mapping], scale: str, costs: Mapping[str, float], show: str = SHOW) -> list[NotAsked]:
    """Return why tests were not asked at a scale, the most frequent reason first.

    `costs` has the seconds that they take here by "budget", and by the scale that asks them those of all that the run
    selects; `show` is the command that shows this run.
    """
    groups: Counter[tuple[str, str]] = Counter()
    for result in results:
        if result["verdict"] != SKIPPED:
            continue
        later = [name for name in result["asked_at"] if name != scale]
        why = BUDGET if result["reason"] == BUDGET else later[0] if later else ""
        takes = duration(costs[why]) if why in costs else ""
        if why == BUDGET:
            way = f"run again: {takes} more here" if takes else "run again: what is finished is kept"
            groups[NO_TIME, way] += 1
        elif why:
            run, plan = f"the same command with it: {takes} in all", f"lottery plan --scale {why} tells the cost"
            groups[f"are asked at --scale {why}", run if takes else plan] += 1
        else:
            groups["are asked at no scale", f"{show} {NO_SCALE}"] += 1
    return [NotAsked(tests, *told) for told, tests in groups.most_common()]
