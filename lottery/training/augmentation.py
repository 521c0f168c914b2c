"""Augmentation: training images varied at random, mirrored and shifted.

What is random is drawn ahead, with the order of the images: a number for each image, which of its variants is shown. To
vary images is then to gather pixels, and a step that was captured on a GPU draws nothing.
"""

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.training.config import AUGMENTATIONS, FLIP_AND_CROP


class FlipAndCrop:
    """Images mirrored with chance one half, padded by zeros at each side, and cropped to their size anywhere.

    An image has `variants`, all equally likely: two, where it is mirrored, for each shift down and to the right, of
    which there are nine by nine where four zeros are at each side. Zeros are those of preprocessed images, black or the
    mean.
    """

    def __init__(self, images: Tensor, name: str = FLIP_AND_CROP):
        """Vary images like these, (N, channels, height, width), on their device, as the augmentation of a name does."""
        if images.dim() != 4:
            raise LotteryError("augmentation is for images of channels, height and width, not for vectors")
        padding, sides = AUGMENTATIONS[name].padding, 2 if AUGMENTATIONS[name].mirrored else 1
        shifts = 2 * padding + 1
        self.variants = sides * shifts * shifts
        height, width = images.shape[2:]
        self._places = torch.empty(
            self.variants, height * width, dtype=torch.int64
        )  # where a variant's pixels are from
        self._inside = torch.empty(self.variants, height * width)  # 1.0 where that is in the image, else 0.0
        for variant in range(self.variants):
            shift, mirrored = divmod(variant, sides)
            rows = torch.arange(height) + shift // shifts - padding
            columns = torch.arange(width) + shift % shifts - padding
            inside = ((rows >= 0) & (rows < height)).unsqueeze(1) & (columns >= 0) & (columns < width)
            places = rows.clamp(0, height - 1).unsqueeze(1) * width + columns.clamp(0, width - 1)
            for table, of in ((self._places, places), (self._inside, inside)):
                table[variant] = (of.flip(1) if mirrored else of).flatten()
        self._places, self._inside = self._places.to(images.device), self._inside.to(images)

    def __call__(self, images: Tensor, which: Tensor) -> Tensor:
        """Return a variant of each image (n, channels, height, width), `which` (n,) saying of each which one."""
        pixels = images.flatten(2)
        places = self._places.index_select(0, which).unsqueeze(1)
        inside = self._inside.index_select(0, which).unsqueeze(1)
        return pixels.gather(2, places.expand_as(pixels)).mul_(inside).view_as(images)
