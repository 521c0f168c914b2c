"""Experiments: an arm made concrete for one seed and one round. What one is says nothing of how it is computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from lottery.experiments.arms import DENSE, Arm, Train
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
        """The dense network of the same seed, on the same data in the same order."""
        action = self.arm.action
        return self.of(Arm(action=action) if isinstance(action, Train) else DENSE, 0)

    def with_seed(self, seed: int) -> Experiment:
        """Return the same experiment with another seed."""
        return replace(self, seed=seed)


def experiment(setting: Setting, arm: Arm, round: int, seed: int) -> Experiment:
    """Return the experiment of an arm at a round.

    Before the first round every arm that trains by rounds is the dense network.
    `setting` is that of the arm's training and network, which the arm then need not name any more, and its data set is
    the arm's, if that names one.
    """
    if arm.dataset:
        setting = setting.on(arm.dataset)
    if arm.by_round and arm.action.trains and round == 0:
        arm = Arm(action=arm.action, noise=arm.noise)
    elif arm.training or arm.network or arm.dataset:
        arm = replace(arm, training="", network="", dataset="")
    return Experiment(setting, arm, round if arm.by_round else 0, seed)
