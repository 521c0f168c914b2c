"""The optimiser of R networks: Adam or SGD over one block of memory."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.training.config import Config


class Descent:
    """An optimiser over a block (R, P) in which frozen parameters never move.

    They stay because their gradient is zeroed: after coupled weight decay was added to it, and with moments that start
    from zero, since every training makes a new optimiser. The updates are torch's own fused kernels, called directly:
    the classes of `torch.optim` around them cost a second to import and a twentieth of a step on small networks.
    """

    def __init__(
        self, block: Tensor, gradient: Tensor, trainable: Tensor | None, config: Config, rates: Sequence[float]
    ):
        self._block, self._gradient, self._trainable, self._config = block, gradient, trainable, config
        self._first, self._second = torch.zeros_like(block), torch.zeros_like(block)
        self._steps = torch.zeros((), device=block.device)
        # one kernel call for each run of neighbours with equal rates: usually a single one
        ends = [row for row in range(1, len(rates) + 1) if row == len(rates) or rates[row] != rates[row - 1]]
        starts, everything = [0, *ends][:-1], (block, gradient, self._first, self._second)
        self._parts = [[tensor[start:end] for tensor in everything] for start, end in zip(starts, ends)]
        self._base = [rates[start] for start in starts]
        self._rates: list[float | Tensor] = [*self._base]
        if block.device.type == "cuda":  # where a captured step reads them, and needs no new capture when they change
            self.keep_rates_on_device()

    def keep_rates_on_device(self) -> None:
        """Hold each learning rate in a tensor of one element from now on."""
        self._rates = [torch.tensor(rate, dtype=torch.float32, device=self._block.device) for rate in self._base]

    def follow(self, factor: float) -> None:
        """Multiply all learning rates by what a schedule says, from the next step on."""
        for place, rate in enumerate(self._base):
            held = self._rates[place]
            if isinstance(held, Tensor):
                held.fill_(rate * factor)
            else:
                self._rates[place] = rate * factor

    def step(self) -> None:
        """Move the parameters by one step along the current gradient."""
        block, gradient, config = self._block, self._gradient, self._config
        if config.weight_decay:
            gradient.add_(block, alpha=config.weight_decay)
        if self._trainable is not None:
            gradient.mul_(self._trainable)
        self._steps += 1
        for (block, gradient, first, second), rate in zip(self._parts, self._rates):
            if config.optimiser == "adam":
                torch._fused_adam_(
                    [block], [gradient], [first], [second], [], [self._steps],
                    lr=rate, beta1=0.9, beta2=0.999, weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False,
                )  # fmt: skip
            else:
                torch._fused_sgd_(
                    [block], [gradient], [first] if config.momentum else [], lr=rate, momentum=config.momentum,
                    weight_decay=0.0, dampening=0.0, nesterov=False, maximize=False, is_first_step=False,
                )  # fmt: skip
