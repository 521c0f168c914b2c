"""Files of masks: names, shapes and bits, with a hash that says which masks these are and that none is damaged.

A file is numpy's npz without pickle, with two arrays of bytes: a header in JSON, and the bits of all masks. It is
written under another name and renamed, so that it is there whole or not at all.
"""

import hashlib
import json
import math
import os
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from torch import Tensor

from lottery.core.errors import LotteryError, told
from lottery.masks.mask import Masks, checked

FORMAT = 1


def digest(masks: Masks) -> str:
    """Return the hash of a network's masks, 32 hexadecimal digits: of names, shapes and what is kept, in any order.

    It is blake2b of 16 bytes, name after name in order of their characters: the name and the shape as a list in JSON,
    then the bits as `numpy.packbits` has them.
    """
    found = hashlib.blake2b(digest_size=16)
    for name in sorted(masks):
        found.update(json.dumps([name, *checked(masks[name], f"the mask of {name!r}").shape]).encode())
        found.update(_bits(masks[name]).tobytes())
    return found.hexdigest()


def save(path: str | os.PathLike[str], masks: Masks, **notes: Any) -> str:
    """Write a network's masks to a file, an eighth of a byte a weight, and return their hash.

    `notes` is anything that JSON can say, such as where the masks come from. An existing file is replaced. Raises for
    notes that JSON cannot say, and where the file cannot be written.
    """
    shapes = {name: list(checked(mask, f"the mask of {name!r}").shape) for name, mask in masks.items()}
    hashed = digest(masks)
    about = {"format": FORMAT, "shapes": shapes, "digest": hashed, "notes": notes}
    bits = np.concatenate([np.empty(0, np.uint8), *map(_bits, masks.values())])
    part = Path(path).with_name(f"{Path(path).name}.{uuid4().hex}.part")
    try:
        header = np.frombuffer(json.dumps(about).encode(), np.uint8)
        with part.open("wb") as file:
            np.savez(file, header=header, bits=bits)
        os.replace(part, path)
    except TypeError as error:
        raise LotteryError(f"notes of masks have to be plain data: {told(error)}") from error
    except OSError as error:
        raise LotteryError(f"masks cannot be written to {path}: {told(error)}") from error
    finally:
        part.unlink(missing_ok=True)
    return hashed


def load(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the masks in a file, by name in the order that they were saved in, on the processor.

    Raises where there is no file, where it holds no masks, and where they are not those that were saved.
    """
    about, bits = _read(path)
    try:
        masks, place = {}, 0
        for name, shape in about["shapes"].items():
            end = place + -(-math.prod(shape) // 8)
            flat = np.unpackbits(bits[place:end], count=math.prod(shape)).astype(bool)
            masks[name], place = torch.from_numpy(flat.reshape(shape)), end
        whole = place == len(bits) and digest(masks) == about["digest"]
    except Exception as error:  # whatever the readers of zip, npy and JSON make of damage
        raise _damaged(path, told(error)) from error
    if not whole:
        raise _damaged(path, "the masks in it are not those that were saved")
    return masks


def notes(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what was noted beside the masks in a file; raises as `load` does where it cannot be read."""
    return _read(path)[0]["notes"]


def _bits(mask: Tensor) -> np.ndarray:
    return np.packbits(mask.detach().flatten().cpu().numpy())


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], np.ndarray]:
    """Return header and bits of a file."""
    if Path(path).is_file() and not zipfile.is_zipfile(path):  # numpy would take it for a pickle
        raise _damaged(path, "its content is no npz archive")
    try:
        with np.load(path, allow_pickle=False) as archive:
            about, bits = json.loads(archive["header"].tobytes()), archive["bits"]
            number = about["format"]
    except FileNotFoundError as error:
        raise LotteryError(f"there is no file {path}") from error
    except Exception as error:
        raise _damaged(path, told(error)) from error
    if number != FORMAT:
        raise LotteryError(f"{path} has masks in format {number}, this release reads {FORMAT}; use one that wrote it")
    return about, bits


def _damaged(path: str | os.PathLike[str], why: str) -> LotteryError:
    return LotteryError(f"{path} is damaged, or is not a file of masks: {why}; save the masks anew")
