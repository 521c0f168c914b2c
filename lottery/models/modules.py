"""Any module, R of them: each replica by itself through the module, depth first, with autograd's gradient.

Nothing is computed for several replicas at once. What is gained over an ordinary loop: images and the weights of
convolutions are channels_last; max-pools go before the ReLUs in front of them, and ReLUs are in place; gradients go
into one block of memory. Dense layers are torch's own.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from lottery.models.cost import Cost, training_cost
from lottery.models.layout import Layout
from lottery.models.losses import LOSSES, wanted
from lottery.models.randomness import drawing_from

Slot = tuple[dict[str, Tensor | None], str, str]  # where a module has a tensor, under which name, and its name in all
LANES = 8  # numbers that such a processor computes with at a time
NEED_NO_OUTPUTS = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.BatchNorm1d, nn.BatchNorm2d)


class Modules:
    """R modules of one layout: a model as `lottery/models/model.py` describes it.

    There is one module, into which each replica's parameters and buffers are put in turn, as views into the blocks. The
    views into the blocks that came last are kept, since a training always comes with the same ones.
    """

    def __init__(self, layout: Layout):
        self.layout = layout
        self._views: dict[str, tuple[Tensor, list[dict[str, Tensor]]]] = {}
        self._built: nn.Module | None = None

    def outputs(
        self, parameters: Tensor, buffers: Tensor, inputs: Tensor, streams: Sequence = (), training: bool = False
    ) -> Tensor:
        """Return the outputs (R, B, O) for inputs (R, B, ...), each replica its own."""
        module = self._module().train(training)
        with torch.no_grad(), drawing_from(streams, self.layout.network.name, inputs.device) as own:
            rows = [self._forward(module, parameters, buffers, inputs, r) for r in own(len(inputs))]
        return torch.stack(rows)

    @torch.enable_grad()
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
        """Set `out` (R, P) to the gradient of the mean loss of inputs (R, B, ...), each replica its own batch."""
        module, gradients = self._module().train(), self._of("gradient", out)
        with drawing_from(streams, self.layout.network.name, inputs.device) as own:
            for r in own(len(inputs)):
                outputs = self._forward(module, parameters, buffers, inputs, r)
                values = outputs.detach().clone().unsqueeze(0)
                slope = LOSSES[loss](values, wanted(observed.reshape(len(inputs), -1)[r : r + 1], values))[0]
                leaves = list(self._of("parameters", parameters)[r].values())
                found = torch.autograd.grad(outputs, leaves, slope, materialize_grads=True)
                torch._foreach_copy_(list(gradients[r].values()), list(found))

    def cost(self, batch: int) -> Cost:
        """Return what a training step of one replica on `batch` inputs costs."""
        return training_cost(self.layout.network, batch, autograd=True)

    def _forward(self, module: nn.Module, parameters: Tensor, buffers: Tensor, inputs: Tensor, replica: int) -> Tensor:
        """Return the outputs (B, O) of one replica; what a training module makes of its buffers is kept."""
        kept = self._of("buffers", buffers)[replica]
        for own, name, path in self._parameters:
            own[name] = self._of("parameters", parameters)[replica][path]
        for (own, name, path), dtype in zip(self._buffers, self._dtypes):
            own[name] = kept[path] if dtype.is_floating_point else kept[path].to(dtype)
        # a copy of its own, so that it lies alike in memory for every replica
        layout = torch.channels_last if inputs.dim() == 5 else torch.contiguous_format
        outputs = module(inputs[replica].clone(memory_format=layout))
        if module.training:
            with torch.no_grad():
                for own, name, path in self._buffers:
                    if own[name] is not kept[path]:
                        kept[path].copy_(own[name])  # type: ignore[arg-type]
        return outputs

    def _of(self, what: str, block: Tensor) -> list[dict[str, Tensor]]:
        """Return the views into a block, replica by replica, by the module's names; parameters are leaves."""
        if what not in self._views or self._views[what][0] is not block:
            views: Callable[[Tensor], dict[str, Tensor]]
            views = self.layout.buffer_views if what == "buffers" else self.layout.module_views
            # `data`: a module may change one buffer when autograd already keeps another, which would share its version
            rows = [{path: view.data for path, view in views(row).items()} for row in block.detach()]
            if what == "parameters":
                rows = [{path: view.requires_grad_() for path, view in row.items()} for row in rows]
            self._views[what] = block, rows
        return self._views[what][1]

    def _module(self) -> nn.Module:
        """Return the module, built when it is first asked for, and note where its parameters and buffers are."""
        if self._built is None:
            with torch.random.fork_rng(devices=[]):  # its weights are of no interest
                self._built = lean(self.layout.network.build())
            self._parameters = _slots(self._built, "_parameters")
            self._buffers = _slots(self._built, "_buffers")
            self._dtypes = [own[name].dtype for own, name, _ in self._buffers]  # type: ignore[union-attr]
        return self._built


def _slots(module: nn.Module, which: str) -> list[Slot]:
    """Return every place in which a module has a parameter or buffer; one that it has twice goes by its first name."""
    slots, names = [], dict[int, str]()
    for prefix, part in module.named_modules():
        for name, tensor in vars(part)[which].items():
            if tensor is not None:
                path = names.setdefault(id(tensor), f"{prefix}.{name}" if prefix else name)
                slots.append((vars(part)[which], name, path))
    return slots


class Dropout(nn.Dropout):
    """Dropout by uniform numbers, which torch draws in 4 nanoseconds each, and its own Bernoulli numbers in 35.

    Drawing them for several steps at once is no faster still.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs, in training each of them zero with chance p, else divided by 1 - p."""
        if not self.training:
            return inputs
        kept = torch.rand_like(inputs) >= self.p
        return inputs * (kept / (1 - self.p) if self.p < 1 else kept)


class Thinned(nn.Conv2d):
    """A strided convolution of 1x1 as one without strides of every so-manieth place: the same numbers.

    With fewer than LANES inputs and channels_last images oneDNN's own writes beyond its memory on processors that have
    AVX2 and not AVX-512, and the process is lost.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Return outputs (B, channels, height, width)."""
        down, right = self.stride
        thin = inputs[..., ::down, ::right]
        return nn.functional.conv2d(thin, self.weight, self.bias, groups=self.groups)


def _is_thin(part: nn.Module) -> bool:
    """Return whether a part is such a convolution."""
    if not isinstance(part, nn.Conv2d) or type(part) is not nn.Conv2d:
        return False
    strided = part.kernel_size == (1, 1) and part.stride != (1, 1) and part.padding == (0, 0)
    return strided and part.in_channels < LANES


def lean(module: nn.Module) -> nn.Module:
    """Return the module with faster parts: in plain `Sequential`s pools before ReLUs, and ReLUs in place; dropout.

    Outputs and gradients are the same to the bit, but for what is dropped: what is not positive has no gradient either
    way. A ReLU is in place where the layer before needs no outputs on its way back.
    """
    for part in list(module.modules()):
        if _is_thin(part):
            part.__class__ = Thinned  # its parameters stay where they are
        for name, inner in part.named_children():
            if type(inner) is nn.Dropout and not inner.inplace:
                setattr(part, name, Dropout(inner.p))
    chains = [part for part in module.modules() if isinstance(part, nn.Sequential) and type(part) is nn.Sequential]
    for chain in chains:
        for place, (first, second) in enumerate(pairwise(list(chain))):
            if type(first) is nn.ReLU and type(second) is nn.MaxPool2d and not second.return_indices:
                chain[place], chain[place + 1] = second, first
        for place, (first, second) in enumerate(pairwise(list(chain))):
            if type(first) in NEED_NO_OUTPUTS and type(second) is nn.ReLU:
                chain[place + 1] = nn.ReLU(inplace=True)  # another one, since this may be used elsewhere, too
    return module
