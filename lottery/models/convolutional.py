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
# Floats that a chunk of replicas may keep busy, counted generously: what the forward pass wrote is then still near when
# the way back reads it. Five of the miniature, 1.7 times as fast as one by one, and one Lenet-conv.
CACHE = 2 * 10**6
Views = list[tuple[Tensor, ...]]  # weights and biases (r, ...) of every stage, none where it has none


class Convolutional:
    """R small convolutional networks of one layout: a model as `lottery/models/model.py` describes it.

    Nothing is random, and there are no buffers. Replicas go through the whole network in chunks, whose size changes no
    bits. The views into the blocks that came last are kept.
    """

    def __init__(self, layout: Layout):
        self.layout = layout
        self._stages = stages_of(layout.network.module)
        self._views: dict[str, tuple[Tensor, int, list[Views]]] = {}

    def outputs(
        self, parameters: Tensor, buffers: Tensor, inputs: Tensor, streams: Sequence = (), training: bool = False
    ) -> Tensor:
        """Return the outputs (R, B, O) for inputs (R, B, C, H, W), each replica its own."""
        at_once = self._at_once(inputs)
        chunks = zip(self._of("parameters", parameters, at_once), inputs.split(at_once))
        return torch.cat([self._forward(own, some) for own, some in chunks])

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
        at_once = self._at_once(inputs)
        blocks = (self._of("parameters", parameters, at_once), self._of("gradient", out, at_once))
        observed = observed.reshape(len(inputs), -1)
        for own, gradients, images, seen in zip(*blocks, inputs.split(at_once), observed.split(at_once)):
            outputs = self._forward(own, images)
            error = LOSSES[loss](outputs, wanted(seen, outputs)).transpose(1, 2).contiguous()  # (r, O, B)
            for place in range(len(self._stages) - 1, -1, -1):
                error = self._stages[place].backward(error, own[place], gradients[place], place > 0)

    def cost(self, batch: int) -> Cost:
        """Return what a training step of one replica on `batch` inputs costs, patches included."""
        operations = training_cost(self.layout.network, batch).operations
        return Cost(operations, 4 * batch * self._floats(self.layout.network.input_shape))

    def _forward(self, parameters: Views, inputs: Tensor) -> Tensor:
        """Return the outputs (r, B, O) of a chunk of replicas."""
        values = inputs.permute(0, 2, 3, 4, 1)
        for stage, own in zip(self._stages, parameters):
            values = stage.forward(values, own)
        return values.transpose(1, 2).contiguous()

    def _at_once(self, inputs: Tensor) -> int:
        """Return how many replicas go through the network together: on a processor as many as a cache holds."""
        replicas, batch, *shape = inputs.shape
        if inputs.device.type != "cpu":
            return replicas
        return min(replicas, max(1, CACHE // (batch * self._floats(tuple(shape)))))

    def _floats(self, shape: tuple[int, ...]) -> int:
        """Return how many floats an input of this shape keeps busy in all stages."""
        floats = 0
        for stage in self._stages:
            shape, busy = stage.through(shape)
            floats += busy
        return floats

    def _of(self, what: str, block: Tensor, at_once: int) -> list[Views]:
        """Return the weights and biases of every stage as views into a block, so many replicas at a time."""
        kept = self._views.get(what)
        if kept is None or kept[0] is not block or kept[1] != at_once:
            self._views[what] = block, at_once, [self._stages_of(some) for some in block.split(at_once)]
        return self._views[what][2]

    def _stages_of(self, block: Tensor) -> Views:
        layers = zip(self.layout.weight_views(block), (block[:, part] for part in self.layout.biases))
        return [next(layers) if isinstance(stage, (Convolution, Dense)) else () for stage in self._stages]
