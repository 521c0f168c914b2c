"""torchvision's AlexNet, VGG-11 and ResNet-18 as Paganini & Forde 2020 train them, and miniatures of the three."""

from itertools import pairwise

from torch import Tensor, nn

from lottery.models.residual import Residual

SIDE = 224  # pixels that the large networks take
COLOURS = 3


class Enlargement(nn.Module):
    """Images enlarged to 224 by 224 pixels by bilinear interpolation; grey ones become three equal channels.

    It has no parameters. Data so stay as small as they are published, and are enlarged batch by batch.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Return images (B, 3, 224, 224) of images (B, 1 or 3, height, width)."""
        colours = images.expand(-1, COLOURS, -1, -1)
        return nn.functional.interpolate(colours, (SIDE, SIDE), mode="bilinear", align_corners=False)


def enlarged(kind: str, classes: int) -> nn.Module:
    """Return torchvision's network of this name behind an enlargement of its images."""
    from torchvision import models

    drawn = {"init_weights": False} if kind == "vgg11" else {}  # weights come from an initialiser: this saves seconds
    return nn.Sequential(Enlargement(), getattr(models, kind)(num_classes=classes, **drawn))


def alexnet_miniature() -> nn.Module:
    """Return AlexNet with an eighth of its channels and units for images of 28 by 28 pixels.

    Its first convolution is 5x5 without a stride, since 11x11 with a stride of four would leave 6 by 6 pixels.
    """
    channels = (1, 8, 24, 48, 32, 32)
    parts: list[nn.Module] = []
    for place, (before, after) in enumerate(pairwise(channels)):
        size = 5 if place < 2 else 3
        parts += [nn.Conv2d(before, after, size, padding=size // 2), nn.ReLU()]
        if place in (0, 1, 4):
            parts.append(nn.MaxPool2d(3, 2))
    dense = [nn.Dropout(), nn.Linear(128, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, 512), nn.ReLU()]
    return nn.Sequential(*parts, nn.Flatten(), *dense, nn.Linear(512, 10))


def vgg11_miniature() -> nn.Module:
    """Return VGG-11 with an eighth of its channels and units for images of 28 by 28 pixels.

    It has four of the five pools: without the one before the last two convolutions these see 3 by 3 pixels, not one.
    """
    channels = (1, 8, 16, 32, 32, 64, 64, 64, 64)
    parts: list[nn.Module] = []
    for place, (before, after) in enumerate(pairwise(channels)):
        parts += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        if place in (0, 1, 3, 7):
            parts.append(nn.MaxPool2d(2))
    dense = [nn.Linear(64, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, 512), nn.ReLU(), nn.Dropout()]
    return nn.Sequential(*parts, nn.Flatten(), *dense, nn.Linear(512, 10))


def resnet18_miniature() -> nn.Module:
    """Return ResNet-18 with an eighth of its channels for images of 28 by 28 pixels.

    Its first convolution is 3x3 with a stride of two, and no pool follows: blocks see 14, 7, 4 and 2 rows of pixels.
    """
    start = [nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    blocks = [Residual(before, after) for before, after in pairwise((8, 8, 8, 16, 16, 32, 32, 64, 64))]
    return nn.Sequential(*start, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
