"""Data sets that are folders of images, `train/<class>/*` and `test/<class>/*`, within the data folder.

Decoding tens of thousands of images takes many seconds, so the pixels are kept in the user's cache, under a name made
of the content of all files and of the decoder's version.
"""

import contextlib
import hashlib
import os
import zipfile
from pathlib import Path
from uuid import uuid4

import numpy as np

from lottery.core.errors import LotteryError
from lottery.core.paths import cache_folder, data_folder
from lottery.data.datasets import Arrays, held_out
from lottery.data.grey import in_grey
from lottery.data.stand_ins import CIFAR10_JPEG, FOLDERS

HALVES = ("train", "test")
Pixels = dict[str, np.ndarray]  # images (N, 3, height, width) uint8 and labels (N,) of either half


def cifar10_jpeg() -> Arrays:
    """Return the images of CIFAR-10 that were encoded anew as JPEG, with loss: never CIFAR-10 itself."""
    return image_folder(FOLDERS[CIFAR10_JPEG], images=(50_000, 10_000), validation=5_000)


def cifar10_jpeg_grey() -> Arrays:
    """Return the images of CIFAR-10 that were encoded anew as JPEG, in grey, 40,000 / 10,000 / 10,000 (N, 784)."""
    return in_grey(image_folder(FOLDERS[CIFAR10_JPEG], images=(50_000, 10_000), validation=10_000))


def image_folder(name: str, images: tuple[int, int], validation: int) -> Arrays:
    """Return the images (N, 3, height, width) of a folder of the data folder, labelled by the order of their classes.

    `images` are expected for training, `validation` of which are held out, and for testing.
    """
    root = data_folder() / name
    try:
        halves = _samples(root)
    except OSError as error:
        raise LotteryError(
            f"there are no images in {root}, which should hold train/<class>/* and test/<class>/*: {error}\n"
            f"Put them there, or set LOTTERY_DATA to a folder that holds {name}."
        ) from error
    found = tuple(map(len, halves))
    if found != images:
        told, wanted = (" + ".join(f"{count:,}" for count in counts) for counts in (found, images))
        raise LotteryError(f"{root} has {told} images instead of {wanted}; unpack it again")
    pixels = _kept_or_decoded(root, halves)
    train, test = ((pixels[f"{half} images"], pixels[f"{half} labels"]) for half in HALVES)
    return held_out(name, validation, train, test)


def _samples(root: Path) -> list[list[tuple[str, int]]]:
    """Return the files of either half with their classes, in the order of classes and names."""
    from torchvision.datasets import ImageFolder

    train, test = (ImageFolder(root / half) for half in HALVES)
    if train.classes != test.classes:
        differing = ", ".join(sorted({*train.classes} ^ {*test.classes}))
        raise LotteryError(f"{root} does not have the same classes in train and in test; they differ in {differing}")
    return [train.samples, test.samples]


def _kept_or_decoded(root: Path, halves: list[list[tuple[str, int]]]) -> Pixels:
    """Return the pixels, decoded once for all workers and runs; without a cache that can be written, every time."""
    from filelock import FileLock

    path = cache_folder() / "pixels" / f"{root.name}-{_fingerprint(root, halves)}.npz"
    if (kept := _kept(path)) is not None:
        return kept
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if (kept := _kept(path)) is None:  # no other worker was first
                kept = _decoded(halves)
                _keep(path, kept)
            return kept
    except OSError:
        return _decoded(halves)


def _fingerprint(root: Path, halves: list[list[tuple[str, int]]]) -> str:
    """Return a digest of the files' names and content, and of what decodes them."""
    import PIL
    from PIL import features

    digest = hashlib.blake2b(f"{PIL.__version__} {features.version('jpg')}".encode(), digest_size=8)
    for path, label in (sample for half in halves for sample in half):
        digest.update(f"{os.path.relpath(path, root)} {label} ".encode())
        digest.update(hashlib.blake2b(Path(path).read_bytes()).digest())
    return digest.hexdigest()


def _decoded(halves: list[list[tuple[str, int]]]) -> Pixels:
    pixels: Pixels = {}
    first = halves[0][0][0]
    size = _image(first).shape
    for half, samples in zip(HALVES, halves):
        images = [_image(path) for path, _ in samples]
        if other := next((path for (path, _), image in zip(samples, images) if image.shape != size), ""):
            raise LotteryError(f"the image {other} is not of the same size as {first}; all must be")
        pixels[f"{half} images"] = np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2))
        pixels[f"{half} labels"] = np.array([label for _, label in samples])
    return pixels


def _image(path: str) -> np.ndarray:
    """Return the pixels (height, width, 3) of an image file."""
    from torchvision.datasets.folder import default_loader

    try:
        return np.asarray(default_loader(path))
    except Exception as error:
        raise LotteryError(f"the image {path} cannot be read ({error}); put an intact one there") from error


def _kept(path: Path) -> Pixels | None:
    """Return what was kept, its checksums checked; None if nothing was, or if it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {f"{half} {what}": archive[f"{half} {what}"] for half in HALVES for what in ("images", "labels")}
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile):
        return None


def _keep(path: Path, pixels: Pixels) -> None:
    """Keep pixels in a file that is there whole or not at all."""
    temporary = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            np.savez(file, **pixels)  # type: ignore[arg-type]  # of its stub
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
