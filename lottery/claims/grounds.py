"""Grounds: which networks of `measurements.csv.gz` a claim rests on, as that file names them."""

import re
from typing import Any

from lottery.claims.claim import Exact
from lottery.claims.quantities import Term
from lottery.claims.resolved import ResolvedClaim
from lottery.experiments.experiment import Experiment
from lottery.experiments.measurements import TRAINED_ON, recipe

OF_ROUND = re.compile(r", round (\d+)\b")


def grounds(asked: ResolvedClaim) -> list[dict[str, Any]]:
    """Return the arms that a claim reads, each with what trained it and the rounds that are read, and those that are
    only trained because the masks of others come from them.

    Names and numbers are those of the columns of `measurements.csv.gz`: an arm that names a training, a network or a
    data set of its own stands there on that one, without its name.
    """
    if asked.statement is None or isinstance(asked.statement, Exact):
        return []
    read, needed = dict[tuple, set[int]](), dict[tuple, set[int]]()
    experiments = []
    for quantity in asked.statement.quantities:
        for term in quantity.terms:
            experiments.append(asked.experiment(*term.cell, seed=0))
            read.setdefault(_columns(experiments[-1]), set()).add(_round(term, experiments[-1]))
    for one in _ancestors(experiments):
        needed.setdefault(_columns(one), set()).add(one.round)
    of_both = [*((True, of) for of in read.items()), *((False, of) for of in needed.items() if of[0] not in read)]
    names = ("arm", *TRAINED_ON)
    return [{**dict(zip(names, of)), "rounds": sorted(rounds), "read": is_read} for is_read, (of, rounds) in of_both]


def _columns(experiment: Experiment) -> tuple:
    return (experiment.arm.name, *recipe(experiment)[: len(TRAINED_ON)])


def _ancestors(experiments: list[Experiment]) -> list[Experiment]:
    from lottery.experiments.all_parts import with_ancestors  # imports torch, which whoever judges has at hand

    return with_ancestors(dict.fromkeys(experiments))


def _round(term: Term, experiment: Experiment) -> int:
    """Return the round that a term is read at: of masks at once, whose sizes are all in one experiment, its rung."""
    rung = None if experiment.arm.by_round else OF_ROUND.search(term.name)
    return int(rung[1]) if rung and not experiment.arm.action.trains else experiment.round
