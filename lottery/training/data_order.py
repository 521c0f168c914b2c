"""Data order: which training data every replica sees at every step, and in which variant."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.core.rng import stream
from lottery.data.datasets import Dataset, Part
from lottery.training.augmentation import FlipAndCrop


class DataOrder:
    """Index batches (R, B) without end: a permutation per epoch and order, an incomplete last batch dropped.

    With `variants` of each image an index is image * variants + variant, the variant drawn by a stream of the order's
    own. An epoch is drawn ahead, on the processor, and kept once for all replicas of one order.
    """

    def __init__(
        self,
        orders: Sequence[tuple[object, ...]],
        images: int,
        batch_size: int,
        device: torch.device,
        variants: int = 1,
    ):
        distinct = list(dict.fromkeys(orders))
        self._shuffles = [stream(*order) for order in distinct]  # type: ignore[arg-type]
        self._variations = [stream(*order, "augmentation") for order in distinct]  # type: ignore[arg-type]
        self._which = torch.tensor([distinct.index(order) for order in orders], device=device)
        self._images, self._batch_size, self._variants = images, batch_size, variants
        self._batches = images // batch_size
        self._epoch = torch.empty(len(distinct), self._batches, batch_size, dtype=torch.int32, device=device)
        self._next = self._batches

    def __next__(self) -> Tensor:
        if self._next == self._batches:
            for epoch, shuffle, variation in zip(self._epoch, self._shuffles, self._variations):
                epoch.copy_(self._drawn(shuffle, variation).view_as(epoch))
            self._next = 0
        self._next += 1
        return self._epoch[:, self._next - 1].index_select(0, self._which).long()

    def _drawn(self, shuffle: torch.Generator, variation: torch.Generator) -> Tensor:
        """Return the indices of an epoch of one order, whole batches alone."""
        index = torch.randperm(self._images, generator=shuffle)[: self._batches * self._batch_size]
        if self._variants == 1:
            return index
        return index * self._variants + torch.randint(self._variants, index.shape, generator=variation)


class ReplicaData:
    """The data of R replicas on one device: one data set for all, or each replica's own, all of the same size.

    With an `augmentation` training images are shown in variants; what is measured is measured on images as they are.
    """

    def __init__(self, data: Dataset | Sequence[Dataset], replicas: int, augmentation: str = ""):
        own = [data] * replicas if isinstance(data, Dataset) else list(data)
        self._sets = list({id(one): one for one in own}.values())  # each is held once, whoever shares it
        places = {id(one): place for place, one in enumerate(self._sets)}
        self._which = [places[id(one)] for one in own]
        self.device, self.count = self._sets[0].device, len(self._sets[0].train.images)
        self.train = self._sets[0].train
        if len(self._sets) > 1:
            images, labels = (torch.cat([getattr(one.train, of) for one in self._sets]) for of in ("images", "labels"))
            self.train = Part(images, labels)
        self._vary = FlipAndCrop(self.train.images, augmentation) if augmentation else None
        self.variants = self._vary.variants if self._vary else 1
        first = torch.tensor(self._which, device=self.device) * self.count
        self._first = first.unsqueeze(1) * self.variants  # (R, 1)

    def rows(self, index: Tensor) -> Tensor:
        """Return where in `train` what `index` (R, B) says of each replica's own data is, image and variant in one."""
        return index + self._first if len(self._sets) > 1 else index

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images (n, ...) and the labels (n, ...) at `rows` (n,), in their variants. Nothing is drawn."""
        if self._vary is None:
            return self.train.images.index_select(0, rows), self.train.labels.index_select(0, rows)
        places, which = rows.div(self.variants, rounding_mode="floor"), rows.remainder(self.variants)
        images = self._vary(self.train.images.index_select(0, places), which)
        return images, self.train.labels.index_select(0, places)

    def part(self, name: str) -> Part:
        """Return the images (R, N, ...) and labels (R, N, ...) of a part of the data, as they are."""
        parts = [getattr(one, name) for one in self._sets]
        if len(parts) == 1:
            count = len(self._which)
            return Part(*(of.expand(count, *of.shape) for of in (parts[0].images, parts[0].labels)))
        return Part(*(torch.stack([getattr(one, of) for one in parts])[self._which] for of in ("images", "labels")))
