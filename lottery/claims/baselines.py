"""Baselines: what came of claims in an earlier run, from its `results.json` or from a folder of tables, one a paper.

A table has a row for every claim and, below it, one for every part of a conjunction, whose empty cells are as in the
claim's row. Lines before its head say where and when it was measured.
"""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import takewhile
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from lottery.claims.results import all_results, check_schema, position
from lottery.claims.run_folders import RESULTS, holds_runs, run_folder
from lottery.claims.statistics import ANSWERS, ERROR, SKIPPED
from lottery.core.errors import LotteryError
from lottery.core.paths import write_whole

FOLDER = Path("expected", "baselines")  # of folders of tables, one a scale
COMPARABLE = ("scale", "metric", "trained_network", "dataset", "data_fingerprint")
OF_THE_CLAIM = ("id", "number", "fingerprint", "question", "first", "changes")  # what its parts share with it
KINDS_OF_PARTS = ("effect", "proportion")
KINDS_OF_CLAIMS = (*KINDS_OF_PARTS, "conjunction", "exact")
VERDICTS = (*ANSWERS, SKIPPED)
DIGITS = 7  # significant ones that a table stores: float noise goes, anything a test image or a step makes stays
NAMED = 3  # claims that a line about a table names
BUDGET = "budget"  # why a session skips what does not fit its time
ANEW = "restore it, or delete it and make it anew with `lottery baseline`"
ANOTHER = "name another run's folder, or run again, which trains nothing that is stored"


class Row(NamedTuple):
    """What came of a claim (no `part`) or of one of its parts."""

    id: str
    part: str
    kind: str  # of the claim or the part, which says what its effects are
    number: str  # the claim's in its paper, by which tables are sorted
    verdict: str
    n: int
    estimate: float | None
    fingerprint: str  # four hexadecimal digits for each of COMPARABLE, so that a difference can be named
    question: str  # fingerprint of what the claim asked, and
    first: str  # of what it asked when it was first measured (`lottery/claims/history.py`); an empty cell: the same
    changes: int  # how many changes of the question the entry told of
    effects: tuple[float | None, ...]  # of each seed


class Table(NamedTuple):
    """A paper's claims by id, each with its own row before those of its parts, and the runs that they are from.

    Of a table that was written, `new` are the claims that it lacked before, `other` those that it had other rows of.
    """

    runs: list[str]
    claims: dict[str, list[Row]]
    new: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


class Baseline(NamedTuple):
    """Claims of earlier runs by id; `stored` if their effects are rounded to DIGITS.

    `name` is what people call it, `scale` its scale. Of a run, `report` is its `results.json`; of tables, `runs` are
    the lines about the runs that they are from.
    """

    claims: dict[str, list[Row]]
    stored: bool
    name: str = ""
    scale: str = ""
    report: Mapping[str, Any] = {}
    runs: tuple[str, ...] = ()


def rows_of(result: Mapping) -> list[Row]:
    """Return a result's rows, with effects as they are."""
    several = {"data_fingerprint": [result["data_fingerprint"], result["tasks"]]} if result["tasks"] else {}
    fingerprint = "-".join(_digest({**result, **several}[name]) for name in COMPARABLE)
    asked = (fingerprint, result["question"], result["question"], result["changes"])
    rows = []
    for part in (result, *result["parts"]):
        about = (result["id"], part.get("name", ""), part["kind"], result["number"])
        came = (part["verdict"], part["n"], part["estimate"])
        rows.append(Row(*about, *came, *asked, tuple(part["effects"])))
    return rows


def rounded(effect: float | None) -> float | None:
    """Return an effect as a table stores it."""
    return None if effect is None else float(f"{effect:.{DIGITS}g}")


def read(path: Path) -> Baseline:
    """Return an earlier run, by its folder or file, or a folder of tables; raise if a path is neither."""
    if not path.is_dir() or holds_runs(path):
        report = read_run(path)
        claims = {result["id"]: rows_of(result) for result in all_results(report)}
        return Baseline(claims, False, str(path), report["scale"], report)
    tables = read_tables(path)
    if not any(table.claims for table in tables.values()):
        raise LotteryError(
            f"{path} holds neither a run's results.json nor tables (*.csv) of claims: "
            "name the folder of a run, or one such as expected/baselines/tiny"
        )
    return _of_tables(tables.values(), str(path))


def stored(folders: Iterable[Path]) -> Baseline | None:
    """Return the tables in folders beside entries, of one scale; None where there are no rows."""
    named = [folder for folder in folders if any(folder.glob("*.csv"))]
    tables = [table for folder in named for table in read_tables(folder).values()]
    return _of_tables(tables, ", ".join(map(str, named))) if any(table.claims for table in tables) else None


def of_scale(baseline: Baseline, scale: str, otherwise: str) -> Baseline:
    """Return the baseline, if it is of this scale; raise if it is of another one, with what to do otherwise."""
    if baseline.scale != scale:
        here = f"{baseline.name} is of scale {baseline.scale}, and not of {scale}"
        raise LotteryError(f"{here}: claims are compared at one scale; {otherwise}")
    return baseline


def _of_tables(tables: Iterable[Table], name: str) -> Baseline:
    several = list(tables)
    claims = {id: rows for table in several for id, rows in table.claims.items()}
    runs = dict.fromkeys(run for table in several for run in table.runs)
    scales = sorted({found[1] for run in runs if (found := re.search(r" at scale (\S+)", run))})
    return Baseline(claims, True, name, ", ".join(scales), {}, tuple(runs))


def read_tables(folder: Path) -> dict[str, Table]:
    """Return the tables in a folder by paper."""
    return {file.stem: _table(file) for file in sorted(folder.glob("*.csv"))}


def beside(entries: Path, scale: str) -> Path:
    """Return the folder of the tables that belong to a file of entries."""
    return entries.parent / FOLDER.name / scale


def committed(files: Iterable[Path], scale: str) -> dict[str, list[Row]]:
    """Return the rows of all claims in the tables beside files of entries, by id; none where there are no tables."""
    folders = {beside(file, scale) for file in files}
    tables = [table for folder in sorted(folders) for table in read_tables(folder).values()]
    return {id: rows for table in tables for id, rows in table.claims.items()}


def write(report: Mapping, folder: Callable[[str], Path]) -> dict[Path, Table]:
    """Return the tables that were written: claims that a run has, and what was there of those that it lacks.

    `folder` returns where the table of a paper is. A table whose rows would stay the same is left as it is. Raise where
    the run had other criteria than the papers'.
    """
    if report.get("replaced"):
        told = ", ".join(f"{name} was {what}" for name, what in report["replaced"].items())
        raise LotteryError(f"{told} in this run (--as), which is no baseline then; lottery compare tells what moved")
    new: dict[str, dict[str, list[Row]]] = defaultdict(dict)
    for claim in report["claims"]:
        if claim.get("reason") != BUDGET and claim.get("verdict") != ERROR:  # neither says anything about the claim
            new[claim["paper"]][claim["id"]] = rows_of(claim)
    tables = {place: read_tables(place) for place in {folder(paper) for paper in new}}
    for place, found in tables.items():
        for paper, table in found.items():
            if any(rows[0].fingerprint[:4] != _digest(report["scale"]) for rows in table.claims.values()):
                raise LotteryError(f"{place / paper}.csv is not of scale {report['scale']}: name another folder")
    changed: dict[Path, Table] = {}
    for paper, claims in new.items():
        file = folder(paper) / f"{paper}.csv"
        before = tables[folder(paper)].get(paper, Table([], {}))
        was, now = _shown(before.claims), _shown(claims)
        added, other = sorted(now.keys() - was.keys()), sorted(id for id in now if was.get(id, now[id]) != now[id])
        if file.exists() and not added and not other:
            continue
        runs = before.runs if before.claims.keys() - claims.keys() else []  # of which something is left
        for id in claims.keys() & before.claims.keys():
            first = before.claims[id][0].first
            claims[id] = [row._replace(first=first or row.first) for row in claims[id]]
        merged = sorted((before.claims | claims).items(), key=lambda item: position(paper, item[1][0].number, item[0]))
        measured = _measured(report)
        runs = [*(run for run in runs if run != measured), measured]
        changed[file] = Table(runs, dict(merged), tuple(added), tuple(other))
    for file, table in changed.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, _text(table))
    return changed


def written(file: Path, table: Table) -> str:
    """Return a line about a table that was written: what is new in it, and what was otherwise."""
    kinds = ((table.new, "not there before"), (table.other, "otherwise before"))
    told = "".join(f"; {len(ids)} {what}: {_some(ids)}" for ids, what in kinds if ids)
    size = f"{len(table.claims)} claim{'s' * (len(table.claims) != 1)}, {file.stat().st_size / 1000:.1f} kB"
    return f"{file}: {size}{told}"


def _some(ids: Sequence[str]) -> str:
    """Return the names of the first claims, and how many more there are."""
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return ", ".join(id.partition(".")[2] for id in ids[:NAMED]) + more


def _shown(claims: Mapping[str, list[Row]]) -> dict[str, list[str]]:
    """Return rows as a table has them, but for what was asked first, which stays."""
    return {id: [_line(row._replace(first="")) for row in rows] for id, rows in claims.items()}


def _measured(report: Mapping) -> str:
    machine = report["environment"]
    where = f"{machine['device']}, {machine['precision']}, torch {machine['torch']}"
    return f"measured {report['started']} at scale {report['scale']} on {where}"


def _digest(value: object) -> str:
    return blake2b(str(value).encode(), digest_size=2).hexdigest()


def _text(table: Table) -> str:
    lines = [f"# {run}\n" for run in table.runs] + [_csv(Row._fields)]
    return "".join([*lines, *(_line(row) for rows in table.claims.values() for row in rows)])


def _line(row: Row) -> str:
    empty = OF_THE_CLAIM if row.part else ("first",) if row.first == row.question else ()
    cells = dict.fromkeys(empty, "")
    cells["estimate"] = "" if row.estimate is None else f"{row.estimate:.4g}"
    cells["effects"] = " ".join("nan" if effect is None else f"{effect:.{DIGITS}g}" for effect in row.effects)
    return _csv(row._replace(**cells))  # type: ignore[arg-type]  # as text


def _csv(cells: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _table(file: Path) -> Table:
    """Return a table; raise with the line that is wrong."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LotteryError(f"{file} cannot be read: {error}; {ANEW}") from None
    runs = [line.removeprefix("# ") for line in takewhile(lambda line: line.startswith("#"), lines)]
    reader = csv.reader(lines[len(runs) :])
    if next(reader, None) != list(Row._fields):
        raise LotteryError(f"{file} is not a baseline table: its columns should be {', '.join(Row._fields)}; {ANEW}")
    claims: dict[str, list[Row]] = {}
    rows: list[Row] = []  # of the claim that is being read
    try:
        for cells in reader:
            row = _row(cells, file.stem, rows[0] if rows else None)
            if not row.part:
                rows = []
            if row.id in claims and row.part in ["", *(other.part for other in rows)]:
                raise ValueError("a second row for the same claim or part")
            rows.append(row)
            claims[row.id] = rows
    except (ValueError, csv.Error) as error:
        raise LotteryError(f"{file}, line {len(runs) + reader.line_num}: {error}; {ANEW}") from None
    return Table(runs, claims)


def _row(cells: list[str], paper: str, claim: Row | None) -> Row:
    """Return the row in a line's cells, below a claim's; raise ValueError if they are not one of this paper's table."""
    if len(cells) != len(Row._fields):
        raise ValueError(f"{len(cells)} cells instead of {len(Row._fields)}")
    id, part, kind, number, verdict, n, estimate, fingerprint, question, first, changes, effects = cells
    if kind not in (KINDS_OF_PARTS if part else KINDS_OF_CLAIMS):
        raise ValueError(f"{kind!r} is not a kind of {'part' if part else 'claim'}")
    if verdict not in VERDICTS:
        raise ValueError(f"{verdict!r} is not a verdict")
    values = tuple(None if effect == "nan" else float(effect) for effect in effects.split())
    if not all(value is None or isfinite(value) for value in values):
        raise ValueError("an effect is not finite")
    number_of = float(estimate) if estimate else None
    if number_of is not None and not isfinite(number_of):
        raise ValueError("the estimate is not finite")
    if part:
        if claim is None or id or number or fingerprint or question or first or changes:
            raise ValueError("a part stands below its claim, and the cells that they share are empty")
        return claim._replace(part=part, kind=kind, verdict=verdict, n=int(n), estimate=number_of, effects=values)
    if not id.startswith(f"{paper}."):
        raise ValueError(f"the claim {id!r} is not of {paper}")
    if not re.fullmatch("-".join(["[0-9a-f]{4}"] * len(COMPARABLE)), fingerprint):
        raise ValueError(f"{fingerprint!r} is not a fingerprint")
    asked = (fingerprint, question, first or question, int(changes))
    return Row(id, part, kind, number, verdict, int(n), number_of, *asked, values)


def _check(row: Row) -> None:
    """Raise ValueError where what a `results.json` has of a claim or a part is of another kind than a run writes."""
    texts = (row.id, row.part, row.number, row.question, row.first)
    if not all(isinstance(text, str) for text in texts) or row.kind not in KINDS_OF_CLAIMS:
        raise ValueError(f"the claim {row.id!r:.100}")
    if row.verdict not in (*VERDICTS, ERROR) or type(row.n) is not int or type(row.changes) is not int:
        raise ValueError(f"the verdict of {row.id}")
    for value in (row.estimate, *row.effects):
        if value is not None and not (type(value) in (int, float) and isfinite(value)):
            raise ValueError(f"effects of {row.id}")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _check_end(report: Mapping) -> None:
    """Raise ValueError where a `results.json` does not say how its run ended."""
    if type(report["exit_status"]) is not int or not all(isinstance(one, str) for one in [*report["remarks"]]):
        raise ValueError("how the run ended")


def read_run(path: Path) -> dict[str, Any]:
    """Return what a run found, by its folder or its `results.json`; raise where that is not what a run writes."""
    file = run_folder(path) / RESULTS if path.is_dir() else path
    try:
        report = json.loads(file.read_text(encoding="utf-8"), parse_constant=_no_number)
        check_schema(report["schema"], file)
        for claim in all_results(report):
            if claim["id"].partition(".")[0] != claim["paper"] or not claim["paper"].isidentifier():
                raise ValueError(f"the claim {claim['id']} is not of {claim['paper']}")
            for row in rows_of(claim):
                _check(row)
        _measured(report)
        _check_end(report)
        return report
    except FileNotFoundError:
        raise LotteryError(f"there is no {file}: lottery run makes one; or name a run's folder") from None
    except OSError as error:
        raise LotteryError(f"{file} cannot be read ({error.strerror}): make it readable, or {ANOTHER}") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        what = f"{file} is not a results.json of this suite ({type(error).__name__}: {error})"
        raise LotteryError(f"{what}: {ANOTHER}") from None
