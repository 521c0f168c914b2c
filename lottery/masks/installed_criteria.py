"""Criteria of installed packages: what the entry points of the group `lottery.criteria` offer, by name.

    [project.entry-points."lottery.criteria"]
    mine = "package.module:score"

None of them is imported, and none takes part in a run, before it is asked for: `--criterion mine`.
"""

from importlib.metadata import EntryPoint, entry_points

from lottery.core.errors import LotteryError

GROUP = "lottery.criteria"
ALL = "all-installed"  # the option's value that stands for all of them; no criterion can have this name


def installed() -> dict[str, list[EntryPoint]]:
    """Return the entry points of the group by their names, in the order of names: usually one each."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        if entry not in found.setdefault(entry.name, []):
            found[entry.name].append(entry)
    return found


def find(name: str) -> EntryPoint | None:
    """Return the entry point of this name, None where there is none; raise where several packages offer one."""
    entries = installed().get(name, [])
    if len(entries) > 1:
        raise LotteryError(f"several installed packages offer {name!r}: {', '.join(map(_told, entries))}; remove one")
    return entries[0] if entries else None


def expanded(options: list[str]) -> list[str]:
    """Return the values of the option, those that are installed in place of `all-installed`; raise if there is none."""
    if ALL not in options:
        return options
    names = list(installed())
    if not names:
        raise LotteryError(f"--criterion {ALL}: no installed package offers criteria (entry points {GROUP!r})")
    return [one for option in options for one in (names if option == ALL else [option])]


def told() -> str:
    """Return the criteria that installed packages offer, for the help of the command line."""
    entries = [entry for entries in installed().values() for entry in entries]
    return ", ".join(f"{entry.name} ({_told(entry)})" for entry in entries) or "none"


def _told(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
