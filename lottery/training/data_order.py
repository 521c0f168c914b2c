"""Data order: which training data every replica sees at every step."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.core.rng import stream
from lottery.data.datasets import Dataset, Part


class DataOrder:
    """Index batches (R, B) without end: a permutation per epoch and order, an incomplete last batch dropped."""

    def __init__(self, orders: Sequence[tuple[object, ...]], images: int, batch_size: int, device: torch.device):
        self._streams = {order: stream(*order) for order in orders}  # type: ignore[arg-type]
        self._which = [list(self._streams).index(order) for order in orders]
        self._images, self._batch_size, self._device = images, batch_size, device
        self._batches = images // batch_size
        self._next = self._batches

    def __next__(self) -> Tensor:
        if self._next == self._batches:
            shuffled = torch.stack([torch.randperm(self._images, generator=s) for s in self._streams.values()])
            used = shuffled[self._which, : self._batches * self._batch_size]
            self._epoch = used.view(len(used), self._batches, self._batch_size).to(self._device)
            self._next = 0
        self._next += 1
        return self._epoch[:, self._next - 1]


class ReplicaData:
    """The data of R replicas on one device: one data set for all, or each replica's own, all of the same size."""

    def __init__(self, data: Dataset | Sequence[Dataset], replicas: int):
        own = [data] * replicas if isinstance(data, Dataset) else list(data)
        self._sets = list({id(one): one for one in own}.values())  # each is held once, whoever shares it
        places = {id(one): place for place, one in enumerate(self._sets)}
        self._which = [places[id(one)] for one in own]
        self.device, self.count = self._sets[0].device, len(self._sets[0].train.images)
        self.train = self._sets[0].train
        if len(self._sets) > 1:
            images, labels = (torch.cat([getattr(one.train, of) for one in self._sets]) for of in ("images", "labels"))
            self.train = Part(images, labels)
        self._first = torch.tensor(self._which, device=self.device).unsqueeze(1) * self.count  # (R, 1)

    def rows(self, index: Tensor) -> Tensor:
        """Return where in `train` the images `index` (R, B) of each replica's own data lie."""
        return index + self._first if len(self._sets) > 1 else index

    def part(self, name: str) -> Part:
        """Return the images (R, N, ...) and labels (R, N, ...) of a part of the data."""
        parts = [getattr(one, name) for one in self._sets]
        if len(parts) == 1:
            count = len(self._which)
            return Part(*(of.expand(count, *of.shape) for of in (parts[0].images, parts[0].labels)))
        return Part(*(torch.stack([getattr(one, of) for one in parts])[self._which] for of in ("images", "labels")))
