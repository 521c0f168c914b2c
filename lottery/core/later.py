"""Fields that came later: a dataclass gains one, and what was kept under a name made of its fields keeps that name."""

from dataclasses import field
from typing import Any

_LATER = "counts only where it is not the default"


def later(default: Any) -> Any:
    """Return a dataclass's field that came after results had been kept: at its default it is as if it were not there.

    For a field whose default says what was done before there was a choice.
    """
    return field(default=default, metadata={_LATER: True})


def counted(value: Any) -> dict[str, Any]:
    """Return what counts of a dataclass in a name: its fields, class variables too, but no later one at its default."""
    declared = type(value).__dataclass_fields__
    found = {name: getattr(value, name) for name in declared}
    return {
        name: of for name, of in found.items() if _LATER not in declared[name].metadata or of != declared[name].default
    }
