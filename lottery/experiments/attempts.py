"""Attempts: what processes of a run died of, so that not one after the other dies of the same.

Whoever computes a batch says so before it begins, and takes that back when it is done. What a process that died had
begun is tried again, each experiment by itself; the arm of one that a process dies of twice by itself has failed.
"""

from collections.abc import Iterable, Mapping, Sequence

DEATHS = 2  # of processes that computed nothing but one experiment: then its arm has failed
Batch = Mapping[str, str]  # experiments by key: the network and the arm of each


class Attempts:
    """Of a process alone, which has nobody to tell: when it dies, the run ends."""

    def begin(self, batch: Batch) -> None:
        """Say what this process begins to compute."""

    def end(self) -> None:
        """Say that this process is done with it."""

    def deaths(self) -> Sequence[Batch]:
        """Return what each of the processes that died was computing."""
        return ()


def suspects(deaths: Iterable[Batch]) -> set[str]:
    """Return the keys of the experiments that a process died with: each is to be computed by itself."""
    return {key for batch in deaths for key in batch}


def condemned(deaths: Iterable[Batch]) -> dict[str, str]:
    """Return, for the network and the arm of what processes died of, why they are not tried again."""
    alone = [next(iter(batch.values())) for batch in deaths if len(batch) == 1]
    return {
        subject: f"processes died while they computed {subject}, {alone.count(subject)} of them with it alone: killed, "
        "out of memory, or ended by the code of a criterion or a network; with -n1 a run needs the least memory"
        for subject in alone
        if alone.count(subject) >= DEATHS
    }
