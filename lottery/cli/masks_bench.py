"""How fast masks are compared and chosen, on one core: part of `lottery bench`.

All pairs of many masks of a network of ResNet-18's size, and the largest weights of one of VGG-11's, beside torch's own
search for one value among them, which gives no exact count where values are tied.
"""

import time
from collections.abc import Callable

import torch
from tabulate import tabulate
from torch import Tensor

from lottery.core.rng import stream
from lottery.masks.selection import largest
from lottery.masks.similarity import pairwise

# weights for ten classes, those of ResNet-18 without its shortcuts
RESNET_18 = ((64, 147), *((64, 576),) * 4, (128, 576), *((128, 1152),) * 3, (256, 1152), *((256, 2304),) * 3,
             (512, 2304), *((512, 4608),) * 3, (10, 512))  # fmt: skip
VGG_11 = ((64, 27), (128, 576), (256, 1152), (256, 2304), (512, 2304), *((512, 4608),) * 3, (4096, 25088), (4096, 4096),
          (10, 4096))  # fmt: skip
MASKS, DRAWN, KEPT = 100, 10, 0.8
HEADERS = ("what", "weights", "s", "ns per weight")


def masks(shapes: tuple[tuple[int, int], ...] = RESNET_18, larger: tuple[tuple[int, int], ...] = VGG_11) -> str:
    """Return a table of the processor's time that masks of networks of these shapes take, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = [_pairs(shapes), *_selections(larger)]
    finally:
        torch.set_num_threads(threads)
    return tabulate(rows, HEADERS, disable_numparse=True, stralign="right")


def _row(what: str, weights: int, run: Callable[[], object]) -> list[str]:
    started = time.process_time()
    run()
    seconds = time.process_time() - started
    return [what, f"{weights:,}", f"{seconds:.2f}", f"{seconds / weights * 1e9:.1f}"]


def _pairs(shapes: tuple[tuple[int, int], ...]) -> list[str]:
    """Return the row of all pairs; few masks are drawn, each of which is compared several times."""
    drawn = [
        {
            str(layer): torch.rand(shape, generator=stream(seed, "bench", layer)) < 0.2
            for layer, shape in enumerate(shapes)
        }
        for seed in range(DRAWN)
    ]
    networks = [drawn[place % DRAWN] for place in range(MASKS)]
    return _row(f"all pairs of {MASKS} masks", _size(list(drawn[0].values())), lambda: pairwise(networks))


def _selections(shapes: tuple[tuple[int, int], ...]) -> list[list[str]]:
    """Return the rows of the largest weights of all layers, and of torch's own search."""
    generator = stream(0, "bench")
    sizes = [torch.randn(shape, generator=generator).abs_() for shape in shapes]
    whole, weights = [torch.ones(shape, dtype=torch.bool) for shape in shapes], _size(sizes)
    ours = _row("masks of the largest", weights, lambda: largest(sizes, whole, int(KEPT * weights), generator))
    joined = torch.cat([values.flatten() for values in sizes])
    return [ours, _row("torch.kthvalue", weights, lambda: joined.kthvalue(weights - int(KEPT * weights)))]


def _size(tensors: list[Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)
