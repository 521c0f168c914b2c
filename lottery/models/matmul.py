"""Matrix products over a replica axis: as fast as libraries allow, and the same whoever shares the batch.

Which library computes a product depends on the processor and on the shape of one replica's product, never on how many
replicas there are.
"""

import functools

import torch
from torch import Tensor

from lottery.core.machine import is_intel

# From this many multiply-adds per replica on, one call per replica into oneDNN is faster than a batched call into MKL
# on AMD processors, where MKL takes its AVX2 path and oneDNN has AVX-512 (60x784x300: 137 against 278 microseconds). On
# Intel's, MKL is as fast, and writes a transposed product in place (784x60x300 within a training: 290 against 1,130).
LARGE = 2**22


@functools.cache
def _onednn_linear():
    """Return oneDNN's linear of (rows, weight (outputs, inputs)), or None where MKL is faster or torch has none."""
    if is_intel():
        return None
    try:
        operator = torch.ops.mkldnn._linear_pointwise
        rows, weight = torch.ones(3, 5), torch.ones(2, 5)
        if torch.equal(operator(rows, weight, None, "none", [], ""), rows @ weight.t()):
            return lambda rows, weight: operator(rows, weight, None, "none", [], "")
    except (AttributeError, RuntimeError, NotImplementedError):
        pass
    return None


def _one_by_one(left: Tensor) -> bool:
    return left.device.type == "cpu" and left.dtype == torch.float32


def product(left: Tensor, right: Tensor, bias: Tensor | None = None, out: Tensor | None = None) -> Tensor:
    """Return left @ right, (R, B, O), of `left` (R, B, I) and `right` (R, I, O), plus `bias` (R, 1, O) if given.

    With `out` (R, B, O) the product, without bias, is written there.
    """
    replicas, rows, inner = left.shape
    columns = right.shape[2]
    if replicas == 1 and 1 in (rows, inner, columns):
        return _beside_itself(left, right, bias, out)
    linear = _onednn_linear() if rows * inner * columns >= LARGE and _one_by_one(left) else None
    if linear is None:
        if bias is not None:
            return torch.baddbmm(bias, left, right)
        return torch.bmm(left, right) if out is None else torch.bmm(left, right, out=out)
    if replicas == 1 and out is None:
        out = linear(left[0], right[0].t()).unsqueeze(0)
    else:
        out = left.new_empty(replicas, rows, columns) if out is None else out
        for replica in range(replicas):
            out[replica].copy_(linear(left[replica], right[replica].t()))
    return out if bias is None else out.add_(bias)


def _beside_itself(left: Tensor, right: Tensor, bias: Tensor | None, out: Tensor | None) -> Tensor:
    """Return a lone product, computed twice as if two replicas shared the batch.

    Vectors, which a dimension of one makes, go another way through the library alone than among others, with other last
    bits. So do results that lie close together; those of `out` are parts of blocks, with gaps between replicas.
    """
    if bias is not None:
        bias = bias.expand(2, -1, -1)
    spaced = None if out is None else out.new_empty(2, out.numel() + 1)[:, :-1].view(2, *out.shape[1:])
    alike = product(left.expand(2, -1, -1), right.expand(2, -1, -1), bias, spaced)[:1]
    return alike if out is None else out.copy_(alike)
