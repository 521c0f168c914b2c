"""Named random streams: every random number of the suite comes from one of them."""

import hashlib

import torch


def stream(seed: int, *purpose: object) -> torch.Generator:
    """Return a fresh generator for `(seed, purpose)`: the same name always gives the same numbers.

    Streams of different names are independent, so what one replica draws never depends on which others share its batch.
    The generator lives on the CPU on purpose: a run on a GPU then starts from the same weights and sees the same order.
    """
    name = "/".join(str(part) for part in (seed, *purpose))
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)
