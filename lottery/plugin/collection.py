"""Claims among what pytest collects: which items state one, and why a file of claims cannot be imported."""

import sys
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lottery.core.errors import told
from lottery.core.text import printable

if TYPE_CHECKING:
    from lottery.claims.claim import Claim
    from lottery.claims.entries import Entry


def claims_imported() -> bool:
    """Return whether a module that was collected states claims; most runs of pytest know none."""
    return "lottery.claims.claim" in sys.modules


def claim_of(item: pytest.Item) -> "Claim | None":
    """Return the claim that a test item states, or None."""
    if not claims_imported():
        return None
    from lottery.claims.claim import Claim

    claim = getattr(getattr(item, "callspec", None), "params", {}).get("claim")
    return claim if isinstance(claim, Claim) else None


def with_claims(items: Iterable[pytest.Item]) -> "list[tuple[pytest.Item, Claim]]":
    """Return the items that state claims, with their claims."""
    return [(item, claim) for item in items if (claim := claim_of(item)) is not None]


def claims(items: Iterable[pytest.Item]) -> "list[Claim]":
    """Return the claims that items state."""
    return [claim for _, claim in with_claims(items)]


def nodes(items: Iterable[pytest.Item]) -> list[str]:
    """Return the node ids of the items that state claims."""
    return [item.nodeid for item, _ in with_claims(items)]


def is_of_own(item: pytest.Item) -> bool:
    """Return whether a test is one that is asked of each of a user's own criteria, treatments or networks."""
    return claims_imported() and hasattr(getattr(item, "function", None), "claim_of")


def name_by_codes(items: Iterable[pytest.Item], entries: "Mapping[str, Entry]") -> None:
    """Let -k know claims by letter and number, too."""
    for item, claim in with_claims(items):
        if entry := entries.get(claim.entry_id):
            item.extra_keyword_matches.add(f"{entry.letter}{entry.number}")


def why_not_imported(file: Path, error: BaseException) -> str:
    """Return why a file of claims could not be imported, with the file and the line."""
    cause = error.__cause__ or error
    if isinstance(cause, SyntaxError):
        place, line, what = cause.filename or file, cause.lineno, f"{type(cause).__name__}: {cause.msg}"
    else:
        frames = traceback.extract_tb(cause.__traceback__)
        own = [frame for frame in frames if Path(frame.filename) == file] or frames
        place, line, what = own[-1].filename, own[-1].lineno, told(cause)
    with suppress(ValueError):
        place = Path(place).relative_to(Path.cwd())
    return f"{place}, line {line}: {printable(what)}; {file.name} cannot be imported, and none of its claims is asked"
