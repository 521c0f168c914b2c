"""The residual block of He et al. 2016 for CIFAR, with a convolution as its shortcut where channels grow."""

from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm beside a shortcut; where channels grow, height and width are halved."""

    def __init__(self, before: int, after: int):
        super().__init__()
        stride = 1 if before == after else 2
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        grown = (nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        self.shortcut = nn.Sequential(*(grown if before != after else ()))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the block's outputs, (B, after, height, width)."""
        return (self.body(inputs) + self.shortcut(inputs)).relu()
