"""Annotations: lines by which GitHub's actions show what is other than expected at the test that states it."""

from collections.abc import Iterator, Mapping, Sequence

from lottery.claims.judging import deviates, fails
from lottery.report.results_table import code
from lottery.report.screen import why


def annotations(results: Sequence[Mapping]) -> Iterator[str]:
    """Yield an error for every claim that fails the run, and a warning for one that deviates without being counted."""
    for result in results:
        level = "error" if fails(result, result["counts"]) else "warning" if deviates(result) else ""
        if level:
            file, _, line = result["test"].rpartition(":")
            title = _property(f"{code(result)} {result['id']}")
            told = f"{result['verdict']}, expected {result['expected_verdict']}: {why(result)}"
            yield f"::{level} file={_property(file)},line={line},title={title}::{_text(told)}"


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
