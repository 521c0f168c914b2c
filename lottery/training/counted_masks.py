"""Learned masks on a GPU: drawn there by a counter, so that the step that draws them can be captured.

Each random number is a hash of a replica's key, of how often it has drawn, and of the weight's place. So it depends on
nobody who shares the batch; and a replayed step, which cannot be given other generators, counts on by itself.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.training.learned_masks import Bernoulli
from lottery.training.parametrisation import Parametrisation

# SplitMix64 (Steele, Lea & Flood 2014): a counter goes up by GAMMA, and its bits are mixed. Integers are torch's signed
# ones, which wrap around.
GAMMA = 0x9E3779B97F4A7C15 - 2**64
MIXING = ((30, 0xBF58476D1CE4E5B9 - 2**64), (27, 0x94D049BB133111EB - 2**64), (31, 1))  # shift to the right, factor
BITS = 24  # of a number in [0, 1): as many as a float32 holds


def mixed(bits: Tensor) -> Tensor:
    """Return int64 `bits`, mixed in place: each of them then depends on all."""
    for shift, factor in MIXING:
        bits.bitwise_xor_((bits >> shift).bitwise_and_((1 << 64 - shift) - 1)).mul_(factor)
    return bits


class CountedUniforms:
    """R replicas' uniform random numbers on a device, the next ones for each at every `fill`.

    Each stands under a key, which is the seed of its stream; `count` numbers are drawn each time.
    """

    def __init__(self, streams: Sequence[torch.Generator], count: int, device: torch.device):
        keys = torch.tensor([[stream.initial_seed()] for stream in streams], dtype=torch.int64)
        self._keys = mixed(keys).to(device)  # (R, 1)
        self._places = torch.arange(1, count // 2 + count % 2 + 1, device=device) * GAMMA  # of pairs of numbers
        self._draws = torch.zeros((), dtype=torch.int64, device=device)

    def fill(self, out: Tensor) -> None:
        """Set `out` (R, count), float32, to numbers in [0, 1)."""
        self._draws += 1
        states = mixed(self._keys + self._draws * GAMMA)  # (R, 1)
        halves = mixed(states + self._places).view(torch.int32)[:, : out.shape[1]]  # the last may be one too many
        torch.mul(halves.bitwise_right_shift_(32 - BITS).bitwise_and_(2**BITS - 1), 2.0**-BITS, out=out)


class CountedBernoulli(Bernoulli):
    """Replicas with learned masks as `drawn` has them, their masks drawn on the device by a counter."""

    resident = True

    def __init__(self, drawn: Bernoulli):
        vars(self).update(vars(drawn))
        count = self._layout.weights[-1].stop
        self._uniforms = CountedUniforms(self._streams, count, drawn.trained.device)
        self._numbers = self._uniform[:, :count]
        self._streams = []  # nothing is drawn from them any more

    def refresh(self) -> None:
        """Draw new masks, and set the effective parameters."""
        self._uniforms.fill(self._numbers)
        super().refresh()


def resident(parameters: Parametrisation) -> Parametrisation:
    """Return a parametrisation in the form whose steps can be captured on its device."""
    if parameters.trained.is_cuda and isinstance(parameters, Bernoulli):
        return CountedBernoulli(parameters)
    return parameters
