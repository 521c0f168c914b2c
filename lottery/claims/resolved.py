"""Resolved claims: how each claim is asked at a scale, in full, as an analogue, or not at all with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from lottery.claims import entries
from lottery.claims.claim import BrokenClaim, Claim, Exact, Statement, differences, stated_in
from lottery.claims.claims_folders import check_apart, expected_file
from lottery.claims.fields import EVERY
from lottery.core.errors import LotteryError
from lottery.data.stand_ins import OTHER, STAND_INS, is_stand_in
from lottery.data.tasks import SPLITS
from lottery.experiments.arms import Arm
from lottery.experiments.experiment import Experiment, experiment
from lottery.experiments.scales import PAPER_ITERATIONS, Scale
from lottery.training.config import Setting


@dataclass(frozen=True)
class ResolvedClaim:
    """A claim as it is asked at the session's scale, or the reason why it is not."""

    claim: Claim
    entry: entries.Entry
    question: entries.Question
    setting: Setting | None = None
    scale: Scale | None = None  # whose other trainings and networks an arm can name
    statement: Statement | None = None
    analogue: bool = False
    skip: str = ""
    error: str = ""  # why its test states nothing that can be asked
    references: Mapping[str, Statement] = field(default_factory=dict)  # the same of others, by their names

    @property
    def seeds(self) -> range:
        return range(self.question.seeds)

    @cached_property
    def experiments(self) -> tuple[Experiment, ...]:
        """The experiments that the claim needs; raises where its arms make no sense together."""
        if self.skip or self.statement is None or isinstance(self.statement, Exact):
            return ()
        return self.experiments_of(self.statement)

    @cached_property
    def all_experiments(self) -> tuple[Experiment, ...]:
        """These and those that its references need."""
        if self.skip:
            return ()
        others = (self.experiments_of(statement) for statement in self.references.values())
        return tuple(dict.fromkeys(one for of in (self.experiments, *others) for one in of))

    def experiments_of(self, statement: Statement) -> tuple[Experiment, ...]:
        """Return the experiments that a statement needs; raise where its arms make no sense together."""
        cells = sorted(frozenset().union(*(quantity.cells for quantity in statement.quantities)), key=repr)
        found = tuple(self.experiment(arm, round, seed) for arm, round in cells for seed in self.seeds)
        for arm in dict.fromkeys(arm for arm, _ in cells):
            _check_within(arm)
        return found

    def experiment(self, arm: Arm, round: int, seed: int) -> Experiment:
        """Return the experiment of an arm of this claim."""
        setting, needs = self.setting, self.entry.needs
        assert setting is not None and needs is not None and self.scale is not None, f"{self.claim.id} trains nothing"
        if arm.training or arm.network:
            training = arm.training or self.question.training or needs.training
            setting = _setting(self.scale, arm.network or needs.network, training, needs.dataset)
            if setting is None:
                asked = f"{self.claim.id} asks for the training {training!r} of {arm.network or needs.network}"
                raise LotteryError(f"{asked}, which the scale {self.scale.name} does not have")
        return experiment(setting, arm, round, seed)


def resolve(claim: Claim, entry: entries.Entry, scale: Scale, wrong: str = "") -> ResolvedClaim:
    """Return how a claim is asked at a scale: in full, as an analogue, or not at all with the reason or the error.

    `wrong` says what is wrong with its entry, if anything is.
    """
    if wrong:
        return ResolvedClaim(claim, entry, entries.Question.model_construct(), error=wrong)
    question = entry.question(scale.name)
    if question is None:
        question = entries.Question(skip=f"its entry says nothing about the scale {scale.name}")
    try:
        return _resolve(claim, entry, question, scale)
    except BrokenClaim as error:
        return ResolvedClaim(claim, entry, question, error=str(error))


def _resolve(claim: Claim, entry: entries.Entry, question: entries.Question, scale: Scale) -> ResolvedClaim:
    if question.skip:
        return ResolvedClaim(claim, entry, question, skip=question.skip)
    if entry.needs is None:
        return ResolvedClaim(claim, entry, question, statement=claim.state(entry, question))
    needs = entry.needs
    if needs.network == EVERY:
        needs = needs.model_copy(update={"network": claim.network})
    setting = _setting(scale, needs.network, question.training or needs.training, needs.dataset)
    if setting is not None and needs.dataset == EVERY:
        needs = needs.model_copy(update={"dataset": setting.dataset})
        entry = entry.model_copy(update={"needs": needs})
    if setting is None:
        nothing = f"nothing stands in for {needs.network} at the scale {scale.name}"
        return ResolvedClaim(claim, entry, question, skip=nothing)
    question, absent = _with_tasks(question, needs.network, scale)
    if absent:
        return ResolvedClaim(claim, entry, question, skip=absent)
    statement, settings = claim.state(entry, question), scale.settings[needs.network]
    arms = {arm for quantity in statement.quantities for arm, _ in quantity.cells}
    for arm in arms:
        if arm.training and arm.training not in settings:
            raise BrokenClaim(f"{claim.id} asks for the training {arm.training!r}, which {scale.name} does not have")
    trainings = {needs.training: setting} | {arm.training: settings[arm.training] for arm in arms if arm.training}
    lacking = next(filter(None, (lacks(needs, training, used) for training, used in trainings.items())), "")
    if lacking and not question.analogue:
        return ResolvedClaim(claim, entry, question, setting, skip=lacking)
    datasets = [*question.tasks, *(used.dataset for used in trainings.values())]
    analogue = bool(lacking) or any(map(is_stand_in, datasets))
    references = claim.state_of_references(question)
    return ResolvedClaim(claim, entry, question, setting, scale, statement, analogue=analogue, references=references)


def _check_within(arm: Arm) -> None:
    """Raise where an arm within another one names a training or a network of its own, which nothing would heed."""
    for inner in arm.within:
        for what in ("training", "network"):
            if (asked := getattr(inner, what)) not in ("", getattr(arm, what)):
                outer = f"the one of the arm that it is part of, {getattr(arm, what) or 'which names none'}"
                raise LotteryError(f"the arm {inner.name} has the {what} {asked!r}; it must have {outer}")
        _check_within(replace(inner, training=arm.training, network=arm.network))


def _setting(scale: Scale, network: str, training: str, dataset: str) -> Setting | None:
    """Return what stands in for a training of the paper's network, on what stands in for the paper's data set."""
    setting, task = scale.setting(network, training), scale.task(network, dataset)
    return setting.on(task) if setting and task else setting


def _with_tasks(question: entries.Question, network: str, scale: Scale) -> tuple[entries.Question, str]:
    """Return a question with this scale's data sets in place of the paper's, and why there are none for some."""
    tasks = {name: scale.task(network, name) for name in question.tasks}
    if lacking := [name for name, task in tasks.items() if not task]:
        return question, f"nothing stands in for {', '.join(lacking)} at the scale {scale.name}"
    return question.model_copy(update={"tasks": tuple(tasks.values())}), ""


def lacks(needs: entries.Needs, training: str, setting: Setting) -> str:
    """Return what the setting of one of a claim's trainings lacks of its needs, or an empty string.

    A stand-in for a data set lacks nothing that the claim's entry would have to argue about.
    """
    iterations = PAPER_ITERATIONS.get(needs.network, {}).get(training, 0)
    name = setting.dataset.removesuffix(OTHER)
    if SPLITS.get(name, name) not in (needs.dataset, STAND_INS.get(needs.dataset)):
        return f"needs {needs.dataset}, this scale trains on {setting.dataset}"
    if setting.network != needs.network:
        return f"needs {needs.network}, this scale trains {setting.network}"
    if setting.config.iterations < iterations:
        return f"needs {iterations:,} iterations, this scale trains {setting.config.iterations:,}"
    return ""


def entries_of(benchmarks: set[Path]) -> entries.Contents:
    """Return the entries of all claims that these benchmark files state, and what is wrong with any of them.

    Raise where two of the files state claims of one paper.
    """
    check_apart(benchmarks)
    found = entries.Contents({}, {}, ())
    for benchmark in sorted(benchmarks):
        of_file = _entries_of(benchmark)
        found = entries.Contents(
            found.entries | of_file.entries, found.wrong | of_file.wrong, found.faults + of_file.faults
        )
    return found


def _entries_of(benchmark: Path) -> entries.Contents:
    file = expected_file(benchmark)
    try:
        read = entries.read_in_part(file)
    except LotteryError as error:  # nothing of it can be read
        stated = stated_in(benchmark)
        return entries.Contents(
            {id: entries.unreadable(id, file) for id in stated}, dict.fromkeys(stated, str(error)), ()
        )
    lacking, strangers = differences(benchmark, read.entries)
    like = next(iter(read.entries.values()), None)
    missing = {id: entries.unreadable(id, file, like=like) for id in lacking}
    return entries.Contents(read.entries | missing, read.wrong | lacking, (*read.faults, *strangers))
