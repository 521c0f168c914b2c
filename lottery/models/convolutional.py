"""Small convolutional networks, R at once, with the gradient by hand: patches, and products over the replica axis.

At these sizes what autograd, oneDNN and the allocator take for every small operation is most of an ordinary loop's
time. The gradient is held against autograd's in `tests/test_model_contract.py`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.models.cost import Cost, training_cost
from lottery.models.layout import Layout
from lottery.models.losses import LOSSES, wanted
from lottery.models.stages import Convolution, Dense, stages_of

# Floating-point operations of a training step on one image, up to which patches are faster than oneDNN's convolutions:
# Lenet-conv has 1.1 million, Conv-2 at a quarter of its width, where they are half as fast, 18 million.
LARGEST = 4 * 10**6
CACHE = 2**20  # floats that a chunk of replicas keeps busy: their patches are then read while they are in a near cache


class Convolutional:
    """R small convolutional networks of one layout: a model as `lottery/models/model.py` describes it.

    Nothing is random, and there are no buffers. Replicas go through the whole network in chunks, whose size changes no
    bits. The views into the blocks that came last are kept.
    """

    def __init__(self, layout: Layout):
        self.layout = layout
        self._stages = stages_of(layout.network.module)
        self._views: dict[str, tuple[Tensor, list[tuple[Tensor, ...]]]] = {}

    def outputs(
        self, parameters: Tensor, buffers: Tensor, inputs: Tensor, streams: Sequence = (), training: bool = False
    ) -> Tensor:
        """Return the outputs (R, B, O) for inputs (R, B, C, H, W), each replica its own."""
        found = [self._forward(self._of("parameters", parameters, rows), inputs[rows]) for rows in self._chunks(inputs)]
        return torch.cat(found)

    def set_gradient(
        self,
        parameters: Tensor,
        buffers: Tensor,
        inputs: Tensor,
        observed: Tensor,
        loss: str,
        streams: Sequence,
        out: Tensor,
    ) -> None:
        """Set `out` (R, P) to the gradient of the mean loss of inputs (R, B, C, H, W), each replica its own batch."""
        observed = observed.reshape(len(inputs), -1)
        for rows in self._chunks(inputs):
            own, gradients = self._of("parameters", parameters, rows), self._of("gradient", out, rows)
            outputs = self._forward(own, inputs[rows])
            error = LOSSES[loss](outputs, wanted(observed[rows], outputs)).transpose(1, 2).contiguous()  # (r, O, B)
            for place in range(len(self._stages) - 1, -1, -1):
                error = self._stages[place].backward(error, own[place], gradients[place], place > 0)

    def cost(self, batch: int) -> Cost:
        """Return what a training step of one replica on `batch` inputs costs."""
        return training_cost(self.layout.network, batch)

    def _forward(self, parameters: list[tuple[Tensor, ...]], inputs: Tensor) -> Tensor:
        """Return the outputs (r, B, O) of a chunk of replicas."""
        values = inputs.permute(0, 2, 3, 4, 1)
        for stage, own in zip(self._stages, parameters):
            values = stage.forward(values, own)
        return values.transpose(1, 2).contiguous()

    def _chunks(self, inputs: Tensor) -> list[slice]:
        """Return which replicas go through the network together: on a processor as many as a cache holds."""
        replicas, batch, *shape = inputs.shape
        at_once = replicas
        if inputs.device.type == "cpu":
            floats, through = 0, tuple(shape)
            for stage in self._stages:
                through, busy = stage.through(through)
                floats += busy
            at_once = max(1, CACHE // (floats * batch))
        return [slice(start, start + at_once) for start in range(0, replicas, at_once)]

    def _of(self, what: str, block: Tensor, rows: slice) -> list[tuple[Tensor, ...]]:
        """Return the weights and biases, as views into rows of a block, of every stage that has them."""
        if what not in self._views or self._views[what][0] is not block:
            biases = (block[:, part] for part in self.layout.biases)
            layers = zip(self.layout.weight_views(block), biases)
            views: list[tuple[Tensor, ...]] = [
                next(layers) if isinstance(stage, (Convolution, Dense)) else () for stage in self._stages
            ]
            self._views[what] = block, views
        return [tuple(view[rows] for view in of_stage) for of_stage in self._views[what][1]]
