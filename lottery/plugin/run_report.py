"""The report of a finished run: what is written and shown, the remarks, and whether the exit status is 1."""

import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lottery import __version__
from lottery.claims import baselines, comparison, judging
from lottery.claims.baselines import Baseline
from lottery.claims.results import LISTS, SCHEMA, all_results, in_order
from lottery.claims.run_folders import ALL_RUNS, MARKDOWN, MEASUREMENTS, PAGE, RESULTS
from lottery.claims.scoreboard import gathered
from lottery.claims.statistics import INCONCLUSIVE, REFUTED, REPRODUCED, q_values
from lottery.claims.uncounted import against_entry, is_open_as_before, is_uncounted, moves_of, remark, turned
from lottery.core.checkout import commit
from lottery.core.errors import LotteryError
from lottery.core.machine import processor
from lottery.core.paths import from_here
from lottery.core.shell import quote
from lottery.core.text import in_encoding, printable, shown_in
from lottery.experiments import measurements
from lottery.experiments.scales import Scale
from lottery.report import scoreboard_table
from lottery.report.annotations import annotations
from lottery.report.answer import KEPT, SHOW
from lottery.report.difference import difference
from lottery.report.files import of_scale, write, write_page
from lottery.report.remarks import all_remarks, stand_ins
from lottery.report.results_table import heading, summary, table
from lottery.report.screen import screen

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pytest", "pytest-xdist")


@dataclass
class RunReport:
    """What a run comes to. `found` is what the tests left: a node id, a result and blocks of measurements each."""

    scale: Scale
    results_folder: Path  # in which every run has its own
    found: Sequence[Mapping]
    code: Mapping[str, Mapping[str, str]]  # what of it the results rest on: definitions with their digests, by name
    missing: Sequence[str]  # node ids of claims that were collected and brought no verdict
    baseline: Baseline | None
    named: bool  # whether somebody asked for that baseline
    exact: bool  # whether every number has to be the baseline's
    tables: Mapping[str, Path] | None  # folders of the papers' tables, where they are to be rewritten
    strict: bool
    faults: Sequence[str]  # what is wrong with files of claims or entries, beside what single claims fail of
    interrupted: bool
    warnings: Sequence[str]
    command: Sequence[str]  # pytest's arguments
    costs: Mapping[str, float] = field(default_factory=dict)  # seconds that what was not asked would take here
    replaced: Mapping[str, str] = field(default_factory=dict)  # criteria by name, and what --as put in their places
    passing: bool = False  # whether the folder of results is removed, so that nobody is led there
    notes: list[str] = field(default_factory=list)
    urgent: list[str] = field(default_factory=list)  # of the notes, those about the whole run
    failed: bool = False
    content: dict[str, Any] = field(default_factory=dict)  # of `results.json`
    written: Path | None = None

    def make(self, started: float, seconds: float, steps: int, environment: Mapping) -> None:
        """Make the content and the remarks, and decide whether the run failed."""
        by_claim = {left["result"]["id"]: left["result"] for left in self.found}  # one may be judged several times
        scores = [cell for result in in_order(list(by_claim.values())) for cell in result["scores"]]
        results = in_order([{name: of for name, of in one.items() if name != "scores"} for one in by_claim.values()])
        self.content = {
            "schema": SCHEMA,
            "version": __version__,
            "commit": commit(),
            "command": list(self.command),
            "scale": self.scale.name,
            "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
            "seconds": seconds,
            "trained_steps": steps,
            "environment": environment,
            **{name: [result for result in results if result["own"] == own] for name, own in LISTS.items()},
            "replaced": dict(self.replaced),
            "scoreboard": gathered(scores),
            "code": dict(sorted(self.code.items())),
            "q_values": _q_values(results),
            "baseline": None,
            "no_verdict": self.missing,
            "costs": dict(self.costs),
        }
        found = comparison.comparison(self.content, self.baseline, self.exact) if self.baseline else None
        if found and (self.named or self.exact or comparison.checked(found["moves"])):
            self.content["baseline"] = found
            results = self._count_turned(found["moves"])
        self.urgent = [*stand_ins(results), *self._gate(results), *self._drift(), *self.warnings]
        self.urgent = list(map(printable, self.urgent))
        self.notes = all_remarks(results, self.urgent)

    def _count_turned(self, moves: Sequence[comparison.Move]) -> list[Mapping]:
        """Let what the same numbers decide otherwise than the baseline count; return the results in their order."""
        counted = turned(all_results(self.content), moves)
        for name in LISTS:
            self.content[name] = [one | {"counts": one["counts"] or one["id"] in counted} for one in self.content[name]]
        return in_order(all_results(self.content))

    def _drift(self) -> list[str]:
        """Return remarks about the comparison with the baseline, and let the run fail by it."""
        found = self.content["baseline"]
        if not found:
            self.failed = self.failed or self.exact
            return ["no baseline has these claims, and --baseline-exact asks for one"] if self.exact else []
        counts = Counter(move["state"] for move in found["moves"])
        lines = []
        if not comparison.checked(found["moves"]):
            lines.append(f"nothing was compared with the baseline {found['name']}, so the run fails")
        elif self.exact and (others := counts[comparison.MOVED] + counts[comparison.DRIFTED]):
            lines.append(f"{others} are not exactly as in the baseline, which fails under --baseline-exact")
        self.failed = self.failed or bool(lines) or any(counts[state] for state in comparison.FAILING)
        return lines

    def _gate(self, results: Sequence[Mapping]) -> list[str]:
        """Return remarks about the exit status, and decide whether it is 1."""
        moves = moves_of(self.content)
        lines = [remark(result, moves) for result in results if is_uncounted(result)] + [*self.faults]
        failures = self.count_failures() + len(self.missing) + len(self.faults)
        if self.missing and not self.interrupted:
            more = f" and {len(self.missing) - 3} more" if len(self.missing) > 3 else ""
            named = ", ".join(self.missing[:3]) + more
            lines.append(f"{len(self.missing)} collected claims brought no verdict: {named}")
        if not self.interrupted and not any(result["verdict"] in (REPRODUCED, REFUTED) for result in results):
            known = is_open_as_before(results, moves)
            lines.append(
                "nothing was decided" + (", and neither was it in the baseline" if known else ", so the run fails")
            )
            failures += not known
        inconclusive = sum(result["verdict"] == INCONCLUSIVE for result in results)
        if inconclusive and self.strict:
            lines.append(f"{inconclusive} inconclusive, which fails under --strict")
            failures += inconclusive
        self.failed = failures > 0
        return lines

    def count_failures(self) -> int:
        """Return how many claims made their tests fail."""
        return sum(bool(judging.fails(left["result"], left["result"]["counts"])) for left in self.found)

    def update(self) -> None:
        """Rewrite the tables of the stored baseline, if that is asked for; the run fails by it, so that somebody looks.

        An interrupted run rewrites nothing.
        """
        if self.tables is None:
            return
        lines = []
        if self.interrupted:
            lines.append("interrupted: the stored baseline is as it was")
        else:
            changed = baselines.write(self.content, lambda paper: self.tables[paper])  # type: ignore[index]
            lines += [f"rewritten: {baselines.written(file, table)}" for file, table in changed.items()]
            lines.append(
                "the run fails once, so that somebody looks at the difference (git diff shows all of it): commit it, "
                "say why it moved, and run again"
                if changed
                else "the stored baseline has these numbers already"
            )
            of = {claim["id"]: claim for claim in self.content["claims"] if judging.deviates(claim)}
            lines += [
                f"{id}: {against_entry(of[id])}" for table in changed.values() for id in table.claims.keys() & of.keys()
            ]
            self.failed = self.failed or bool(changed)
        lines = list(map(printable, lines))
        self.urgent += lines
        self.notes += lines

    def write(self, status: int) -> None:
        """Write the files of a run that ends with this status into a folder of its own; raise if that is not possible.

        A run in which nothing was judged has nothing to write.
        """
        if not self.found:
            return
        self._end(status)
        measured = measurements.table(block for left in self.found for block in left["measured"])
        try:
            self.written = write(self.results_folder, self.content, measured, self.notes, self.scale)
        except OSError as error:
            raise LotteryError(
                f"the results cannot be written to {self.results_folder} ({error}); "
                "choose another folder with --results"
            ) from None
        if told := write_page(self.written, self.content, measured, self.notes):
            self.urgent.append(printable(told))

    def _end(self, status: int) -> None:
        """Let the content have how the run ends, and what is remarked on all of it."""
        self.content |= {"exit_status": status, "remarks": self.urgent}

    def show(self, terminal, status: int, table: bool) -> None:
        """Show the answer on one screen, or the table of all claims and all remarks."""
        self._end(status)
        with shown_in(terminal._tw._file.encoding):
            (self._show_table if table else self._show_screen)(terminal)

    def named_run(self) -> str:
        """Return how commands are told that this run is meant: by nothing if it is the latest of `results`.

        The latest is no interrupted one.
        """
        folder = self.written if self.written and self.interrupted else self.results_folder
        return "" if (place := from_here(folder)) == Path(ALL_RUNS) else quote(str(place))

    def _show_screen(self, terminal) -> None:
        encoding = terminal._tw._file.encoding
        terminal.write_line("")
        for line in screen(self.content, terminal._tw.fullwidth, self.named_run()):
            terminal.write_line(in_encoding(line.text, encoding), **line.markup)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            for told in annotations(all_results(self.content)):
                terminal.write_line(told)
        if self.written and not self.passing:
            command = f"{SHOW} {self.named_run()}".rstrip()
            terminal.write_line(f"in full: {command}, or {self.written / PAGE}")

    def _show_table(self, terminal) -> None:
        everything, encoding = all_results(self.content), terminal._tw._file.encoding

        def line(text: str, **markup: bool) -> None:
            terminal.write_line(in_encoding(text, encoding), **markup)

        terminal.write_sep("=", in_encoding(heading(self.content), encoding))
        if everything:
            line(f"{table(everything, 'simple')}\n")
        if self.content["scoreboard"]:
            for told in scoreboard_table.lines(self.content["scoreboard"], terminal._tw.fullwidth):
                line(told)
        for note in [*self.notes, *[f"interrupted: {KEPT}"] * self.interrupted]:  # which a screen begins with
            line(f"- {note}")
        if self.content["baseline"]:
            line("")
            for told in difference(
                self.content["baseline"], {one["id"]: one for one in everything}, terminal._tw.fullwidth
            ):
                line(told)
        line("")
        line(summary(self.content), bold=True)
        if self.written and not self.passing:
            line(f"written to {self.written}: {RESULTS}, {MARKDOWN}, {PAGE}, {MEASUREMENTS}")
        if told := of_scale(self.content, self.scale):
            line(told)


def environment(devices: Sequence[str], precision: str) -> dict[str, object]:
    """Return the devices used, the precision and the versions of a run, as `results.json` has them."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    device = ", ".join(f"cpu ({processor()})" if one == "cpu" else one for one in devices)
    system = {"python": platform.python_version(), "system": platform.system()}
    return {"device": device, "precision": precision, **system, **versions}


def _q_values(results: Sequence[Mapping]) -> dict[str, float]:
    """Return Benjamini and Hochberg's q-values of the hypothesis that a claim's region holds the truth, by claim.

    They depend on which claims were selected, so they stand beside the claims and not among their fields.
    """
    tested = [result for result in results if result["p_outside"] is not None and result["kind"] != "exact"]
    return dict(zip([result["id"] for result in tested], q_values([result["p_outside"] for result in tested])))
