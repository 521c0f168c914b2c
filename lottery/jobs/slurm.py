"""Slurm's own commands: whether they are there, what nodes have, and what has become of jobs."""

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from lottery.core.errors import LotteryError
from lottery.core.text import printable

PENDING, RUNNING, OVER, UNKNOWN = "pending", "running", "over", "unknown"
AT_AN_END = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY")
ALIVE = ("RUNNING", "COMPLETING", "STAGE_OUT", "STOPPED", "SUSPENDED", "SIGNALING")
NO_SLURM = (
    "--engine slurm: {command} was not found, so there is no Slurm here; run it on a machine from which you submit "
    "jobs, or use --engine local, which runs the same jobs on this machine"
)
# File systems that one machine has to itself, as far as their names tell.
OWN_FILES = ("tmpfs", "ramfs", "overlay", "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs")


def check() -> None:
    """Raise if Slurm's commands are not here."""
    for command in ("sbatch", "srun", "squeue", "scancel"):
        if shutil.which(command) is None:
            raise LotteryError(NO_SLURM.format(command=command))


def asked(*words: str) -> str | None:
    """Return what one of Slurm's commands prints; None if it fails or takes too long."""
    try:
        found = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout


def has_gpus(partition: str | None) -> bool:
    """Return whether nodes of a partition, or of all, have GPUs, as `sinfo` knows."""
    words = ["sinfo", "--noheader", "--format=%G"] + ([f"--partition={partition}"] if partition else [])
    return any("gpu" in line for line in (asked(*words) or "").splitlines())


def nodes() -> int:
    """Return how many nodes there are; 0 where `sinfo` does not say."""
    return len(set((asked("sinfo", "--noheader", "--Node", "--format=%N") or "").split()))


def states(listed: str, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return for each job its state and why it is pending, from what `squeue` prints as id, state and reason.

    Whoever is not listed is over.
    """
    found = {}
    for line in listed.splitlines():
        id, state, reason = [*line.split("|"), "", ""][:3]
        if state in AT_AN_END:
            continue
        found[id] = (RUNNING if state in ALIVE else PENDING, printable(reason) if state == "PENDING" else "")
    return {id: found.get(id, (OVER, "")) for id in ids}


def queue(ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return for each job its state and why it is pending; nothing is known where `squeue` does not answer."""
    listed = asked("squeue", "--noheader", "--array", "--me", "--format=%i|%T|%r")
    return dict.fromkeys(ids, (UNKNOWN, "")) if listed is None else states(listed, ids)


def own_files(path: Path, mounts: str) -> str:
    """Return the file system under a path if only this machine has it, else nothing, from the text of /proc/mounts."""
    best = (0, "")
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) > 2 and path.is_relative_to(fields[1]):
            best = max(best, (len(fields[1]), fields[2]))
    return best[1] if best[1] in OWN_FILES else ""


def shared_or_told(folder: Path) -> str:
    """Return what to tell whoever keeps the store where other nodes may not see it, or nothing."""
    try:
        kind = own_files(folder.resolve(), Path("/proc/mounts").read_text(encoding="utf-8"))
    except OSError:
        return ""
    if not kind or nodes() < 2:
        return ""
    return (
        f"the store {folder} lies on a file system of this machine ({kind}); unless other nodes have it under the same "
        "path, their jobs end without a result: choose a shared folder with --store or LOTTERY_STORE"
    )
