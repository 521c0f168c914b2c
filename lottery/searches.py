"""Searches: a `Seek` made concrete for one seed, named by its content. Nothing it rests on is trained elsewhere."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from lottery import criteria, experiments
from lottery.arms import EDGE_POPUP, Seek
from lottery.datasets import Dataset
from lottery.fingerprints import canonical, digest, source_digest
from lottery.networks import network
from lottery.recipes import Setting
from lottery.seeking import recipe_of, seek, task_of
from lottery.training import VERSION


@dataclass(frozen=True)
class Search:
    """One search for a planted ticket. What experiments are called by when they are batched and kept, it is called by as well."""

    round: ClassVar[int] = 0

    arm: Seek
    seed: int

    @property
    def setting(self) -> Setting:
        """What is trained on what, with all rounds' steps."""
        return Setting(self.arm.network, task_of(self.arm.network)[0], recipe_of(self.arm))

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"{self.arm.network}, {self.arm.name}, seed {self.seed}"

    @property
    def steps(self) -> int:
        """Number of training steps it costs."""
        return recipe_of(self.arm).iterations


@experiments.parent.register
def _(one: Search) -> None:
    return None


@experiments.key.register
def _(one: Search, data: Dataset, precision: str) -> str:
    architecture = network(one.arm.network)
    request = {
        "engine": VERSION,
        "precision": precision,
        "network": [[layer.name, layer.shape] for layer in architecture.layers] + [architecture.loss],
        "data": [one.setting.dataset, data.fingerprint],
        "arm": asdict(one.arm),
        "seed": one.seed,
        "science": source_digest(seek, *([criteria.CRITERIA.find(one.arm.method)] if one.arm.method not in ("", EDGE_POPUP) else [])),
        "own": criteria.SOURCES.get(one.arm.method, ""),
    }
    return digest(canonical(request))


@experiments.kind.register
def _(one: Search) -> tuple:
    """Return what searches must have in common to be made together: the network, and when they train how."""
    arm = one.arm
    return arm.network, arm.rounds, arm.epochs, arm.weak, (arm.method == EDGE_POPUP, arm.method == EDGE_POPUP and arm.released)


