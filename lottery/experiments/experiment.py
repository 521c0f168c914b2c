"""Experiments: an arm made concrete for one seed and one round. What one is says nothing of how it is computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from lottery.experiments.arms import DENSE, Arm
from lottery.training.config import Setting


@dataclass(frozen=True)
class Experiment:
    """One network of one arm after `round` rounds of pruning, or at all of them; made by `experiment`."""

    setting: Setting
    arm: Arm
    round: int
    seed: int

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:  # of nested descriptions; a plan asks for it millions of times
        return hash((self.setting, self.arm, self.round, self.seed))

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"{self.setting.network}, {self.arm.name}, round {self.round}, seed {self.seed}"

    @property
    def steps(self) -> int:
        """Number of training steps it costs."""
        config = self.setting.config
        return self.arm.mask.steps(config.interval) + (config.iterations if self.arm.action.trains else 0)

    def of(self, arm: Arm, round: int) -> Experiment:
        """Return the experiment of another arm with the same seed."""
        return experiment(self.setting, arm, round, self.seed)

    @property
    def dense(self) -> Experiment:
        """The dense network of the same seed."""
        return self.of(DENSE, 0)


def experiment(setting: Setting, arm: Arm, round: int, seed: int) -> Experiment:
    """Return the experiment of an arm at a round.

    Before the first round every arm that trains by rounds is the dense network.
    `setting` is that of the arm's training and network, which the arm then need not name any more.
    """
    if arm.by_round and arm.action.trains and round == 0:
        arm = replace(DENSE, noise=arm.noise)
    elif arm.training or arm.network:
        arm = replace(arm, training="", network="")
    return Experiment(setting, arm, round if arm.by_round else 0, seed)
