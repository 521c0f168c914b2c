"""The options about baselines: what a run is compared with, how exactly, and whose tables it may rewrite."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lottery.core.errors import LotteryError
from lottery.core.paths import user_path
from lottery.plugin import options
from lottery.plugin.process import Process

if TYPE_CHECKING:
    from lottery.claims.baselines import Baseline


class BaselineOptions:
    """What is asked for: checked, and the baseline that is named read, by `read`; the stored one, at the end."""

    def __init__(self, process: Process):
        self._process, self._config = process, process.config
        self.named: Baseline | None = None
        self.exact: bool = options.given(self._config, "baseline-exact")
        self.update: bool = options.given(self._config, "update-expected")

    def read(self, chosen: options.Chosen) -> None:
        """Read the baseline that is named; raise where the options contradict each other, or it cannot be read."""
        path = options.given(self._config, "baseline")
        others = ("baseline", "baseline-exact", "plan", "as")
        if self.update and (too := [f"--{name}" for name in others if options.given(self._config, name)]):
            raise LotteryError(f"--update-expected rewrites the stored baseline: leave out {' and '.join(too)}")
        if path == options.NO_BASELINE and self.exact:
            raise LotteryError("--baseline-exact needs something to compare with: leave out --baseline none")
        if not path or path == options.NO_BASELINE:
            return
        from lottery.claims import baselines

        try:
            otherwise = "choose it with --scale, or name another baseline"
            self.named = baselines.of_scale(baselines.read(user_path(path)), chosen.scale.name, otherwise)
        except LotteryError as error:
            raise LotteryError(f"--baseline: {error}") from None

    def leave_tables(self, benchmarks: Iterable[Path], scale: str) -> None:
        """Tell the process that reports where these files' tables of the stored baseline are, or would be.

        Raise where they are to be rewritten and came with an installed package.
        """
        from lottery.claims.baselines import beside
        from lottery.claims.claims_folders import expected_file, paper_of

        tables = {paper_of(file): str(beside(expected_file(file), scale)) for file in benchmarks}
        if self.update:
            _check_ours_to_write(tables.values())
        self._process.shared.leave("tables", self._process.name, tables)

    def tables(self) -> dict[str, Path]:
        """Return the folder of each paper's table of the stored baseline, whether it is there yet or not."""
        found = {paper: Path(place) for left in self._process.shared.found("tables") for paper, place in left.items()}
        here = Path.cwd()
        return {paper: of.relative_to(here) if of.is_relative_to(here) else of for paper, of in found.items()}

    def compared_with(self) -> "Baseline | None":
        """Return what the run is compared with: what is named, else the stored baseline where it has rows."""
        if self.named is not None or options.given(self._config, "baseline"):
            return self.named
        from lottery.claims.baselines import stored

        return stored(dict.fromkeys(self.tables().values()))


def _check_ours_to_write(tables: Iterable[str]) -> None:
    """Raise where tables came with an installed package."""
    for place in tables:
        if {"site-packages", "dist-packages"} & set(Path(place).parts):
            raise LotteryError(
                f"--update-expected: {place} came with the package. Run the claims of a checkout, or keep a baseline "
                "of your own: lottery baseline results FOLDER, then --baseline FOLDER"
            )
