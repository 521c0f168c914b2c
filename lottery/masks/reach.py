"""Reach: a network's forward pass in which values say only whether anything gets through, and slopes likewise.

Under `Reach` torch's functions compute that instead of what they are for. Values and slopes are never negative, so that
nothing cancels, and in every layer they are set to 0 or 1, so that nothing overflows or vanishes however deep it is.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from lottery.core.errors import LotteryError

FUNCTIONS = {
    # a place depends on the same place of the first argument
    "of one": """
        abs alpha_dropout batch_norm celu clamp clamp_max clamp_min clip dropout dropout1d dropout2d dropout3d elu exp
        feature_alpha_dropout gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu log log_sigmoid logsigmoid mish
        neg negative prelu relu relu6 rrelu rsqrt selu sigmoid silu softplus softshrink softsign sqrt square tanh
        tanhshrink threshold
    """,
    # on the same place of every argument
    "of all": """
        add div divide lerp maximum minimum mul multiply pow rdiv rpow rsub sub subtract true_divide where
    """,
    "layer": "linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d",
    "product": "bmm matmul mm rmatmul",
    # on any place of a window, or of a part: what is said of the maximum, an average says of all of them
    "windows": "max_pool1d max_pool2d max_pool3d",
    "parts": "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d",
    # on all places that are normalised together
    "norm": "group_norm instance_norm layer_norm log_softmax softmax",
    # sums with weights that are positive or zero, and what only moves values: torch's own functions say it
    "linear": """
        adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d avg_pool1d avg_pool2d avg_pool3d broadcast_to cat
        channel_shuffle chunk clone concat concatenate contiguous copy double expand expand_as flatten flip float fold
        get getitem index_select interpolate mean movedim narrow pad permute pixel_shuffle pixel_unshuffle repeat
        repeat_interleave reshape reshape_as roll select setitem split squeeze stack sum swapaxes t tensor_split to
        transpose type unbind unflatten unfold unsqueeze upsample view view_as
    """,
}
KINDS = {name: kind for kind, names in FUNCTIONS.items() for name in names.split()}


class Signal(torch.autograd.Function):
    """Sets values to 0 or 1, or all of them to 1, and slopes to 0 or 1."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, everywhere: bool) -> Tensor:
        """Return 1 where something gets through, or everywhere."""
        return torch.ones_like(values) if everywhere else (values > 0).to(values.dtype)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        """Return 1 where the slope is positive."""
        return (slopes[0] > 0).to(slopes[0].dtype), None


class Reach(TorchFunctionMode):
    """Makes torch's functions say what depends on what; raises for those that it cannot follow.

    With `from_inputs` a unit is alive where an input reaches it, without it everywhere. Biases make nothing alive.
    """

    def __init__(self, from_inputs: bool):
        super().__init__()
        self._from_inputs = from_inputs

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if not _tracked([args, kwargs]):
            return func(*args, **kwargs)
        result = self._followed(name.strip("_"), func, args, kwargs)
        in_place = name.endswith("_") and not name.endswith("__")
        return args[0].copy_(result) if in_place and result is not args[0] else result

    def _followed(self, name: str, func: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        match KINDS.get(name):
            case "layer":
                return Signal.apply(_layer(func, *args, **kwargs), not self._from_inputs)
            case "product":
                return Signal.apply(func(*map(_factor, args)), not self._from_inputs)
            case "of one" | "norm" if len(_tracked([args, kwargs])) > 1:
                raise LotteryError(f"masks of the scales of {name} have no effect to trace; give masks of weights")
            case "of one":
                return Signal.apply(args[0], False)
            case "norm":
                return Signal.apply(_normalised(name, *args, **kwargs), False)
            case "of all":
                return Signal.apply(_sum(tensors([args, kwargs])), False)
            case "windows":
                return _windows(name, *args, **kwargs)
            case "parts":
                return _parts(name, *args, **kwargs)
        result = func(*args, **kwargs)
        if KINDS.get(name) != "linear" and _tracked(result):
            raise LotteryError(f"dependencies cannot be traced through torch's {name}")
        return result


def tensors(found: Any) -> list[Tensor]:
    """Return all tensors in nested sequences and mappings."""
    if isinstance(found, Tensor):
        return [found]
    inside = found.values() if isinstance(found, dict) else found if isinstance(found, (list, tuple)) else ()
    return [tensor for one in inside for tensor in tensors(one)]


def _tracked(found: Any) -> list[Tensor]:
    """Return the tensors that depend on a weight or an input."""
    return [tensor for tensor in tensors(found) if tensor.requires_grad]


def _factor(values: Tensor) -> Tensor:
    """Return a factor of a product; one that depends on nothing counts where it is not zero."""
    return (values if values.requires_grad else values != 0).double()


def _layer(func: Callable, input: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **kwargs: Any) -> Any:
    if _tracked(bias):
        raise LotteryError("masks of biases have no effect to trace; give masks of weights")
    return func(_factor(input), _factor(weight), None, *args, **kwargs)


def _sum(terms: list[Tensor]) -> Tensor:
    total = torch.zeros(torch.broadcast_shapes(*(tensor.shape for tensor in terms)), dtype=torch.float64)
    for tensor in _tracked(terms):
        total = total + tensor
    return total


def _windows(
    name: str,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """Return the average of the windows that a maximum is taken of."""
    if return_indices or any(step != 1 for step in (dilation if isinstance(dilation, (list, tuple)) else [dilation])):
        raise LotteryError(f"dependencies cannot be traced through a {name} that is dilated or gives indices")
    return getattr(functional, name.replace("max", "avg"))(input, kernel_size, stride, padding, ceil_mode)


def _parts(name: str, input: Tensor, output_size: Any, return_indices: bool = False) -> Tensor:
    """Return the average of the parts of an image that a maximum is taken of."""
    if return_indices:
        raise LotteryError(f"dependencies cannot be traced through a {name} that gives indices")
    return getattr(functional, name.replace("max", "avg"))(input, output_size)


def _normalised(name: str, input: Tensor, of: Any = None, *args: Any, **kwargs: Any) -> Tensor:
    """Return for every place the sum of all that are normalised together with it."""
    of = next((kwargs[key] for key in ("dim", "normalized_shape", "num_groups") if key in kwargs), of)
    if name == "group_norm":
        groups = input.reshape(len(input), of, -1)
        return groups.sum(-1, keepdim=True).expand_as(groups).reshape(input.shape)
    dims = {"instance_norm": range(2, input.dim()), "layer_norm": range(-len(of) if name == "layer_norm" else 0, 0)}
    return input.sum(tuple(dims[name]) if name in dims else of, keepdim=True).expand_as(input)
