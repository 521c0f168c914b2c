"""Searches: a `Seek` made concrete for one seed, named by its content. Nothing it rests on is trained elsewhere."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from lottery.data.datasets import Dataset
from lottery.experiments import experiment
from lottery.experiments.arms import EDGE_POPUP, Seek
from lottery.experiments.search_settings import check, config_of, together
from lottery.experiments.seeking import seek
from lottery.masks import criteria
from lottery.models.architectures import network
from lottery.models.losses import LOSSES, after_softmax
from lottery.planting.planted_networks import task_of
from lottery.planting.targets import TASKS
from lottery.store.fingerprints import canonical, digest, source_digest
from lottery.training.config import Setting
from lottery.training.fit import VERSION


@dataclass(frozen=True)
class Search:
    """One search for a planted ticket. What experiments are called by when they are batched and kept, it is called by as well."""

    round: ClassVar[int] = 0

    arm: Seek
    seed: int

    def __post_init__(self):
        check(self.arm)

    @property
    def setting(self) -> Setting:
        """What is trained on what, with all rounds' steps."""
        return Setting(self.arm.network, task_of(self.arm.network)[0], config_of(self.arm))

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"{self.arm.network}, {self.arm.name}, seed {self.seed}"

    @property
    def steps(self) -> int:
        """Number of training steps it costs."""
        return config_of(self.arm).iterations


@experiment.parent.register
def _(one: Search) -> None:
    return None


@experiment.key.register
def _(one: Search, data: Dataset, precision: str) -> str:
    architecture = network(one.arm.network)
    request = {
        "engine": VERSION,
        "precision": precision,
        "network": [[layer.name, layer.shape] for layer in architecture.layers] + [architecture.loss],
        "data": [one.setting.dataset, data.fingerprint],
        "arm": asdict(one.arm),
        "seed": one.seed,
        "config": asdict(one.setting.config),
        "science": source_digest(*science(one.arm)),
        "own": criteria.SOURCES.get(one.arm.method, ""),
    }
    return digest(canonical(request))


@experiment.kind.register
def _(one: Search) -> tuple:
    return together(one.arm)


def science(arm: Seek) -> list:
    """Return the functions that decide what a search finds; those that are looked up by name are not found through the others."""
    task, loss = task_of(arm.network)[0], network(arm.network).loss
    pruning = [criteria.CRITERIA.find(arm.method)] if arm.method not in ("", EDGE_POPUP) else []
    return [seek, TASKS[task], LOSSES[loss], *([after_softmax] if arm.released and not pruning else []), *pruning]
