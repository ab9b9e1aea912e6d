"""Trial 28 of study mnist-8000: 18 6 20 M dw 12k1 14k1 gap fc10

3,092 parameters (3,232 with batch norm's statistics), 1,263,392 multiply-accumulates,
15,624 values of activations at most at one time.
"""

from torch import Tensor, nn

# Of the pixels, scaled to 0 to 1, that it was trained on: it takes (pixels - MEAN) / STD.
MEAN, STD = 0.13057760484193678, 0.3080140931371779


class Net(nn.Module):
    """Normalised images (N, 1, 28, 28) to outputs (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
                                                                              #       output  field  parameters
        self.block1 = nn.Sequential(
            nn.Conv2d(1, 18, kernel_size=3, bias=False),                      # 18 x 26 x 26      3         162
            nn.BatchNorm2d(18),                                               # 18 x 26 x 26      3          36
            nn.ReLU(),
            nn.Conv2d(18, 6, kernel_size=3, bias=False),                      #  6 x 24 x 24      5         972
            nn.BatchNorm2d(6),                                                #  6 x 24 x 24      5          12
            nn.ReLU(),
            nn.Conv2d(6, 20, kernel_size=3, bias=False),                      # 20 x 22 x 22      7       1,080
            nn.BatchNorm2d(20),                                               # 20 x 22 x 22      7          40
            nn.ReLU(),
            nn.MaxPool2d(2),                                                  # 20 x 11 x 11      8
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(20, 20, kernel_size=3, padding=1, bias=False, groups=20),  # 20 x 11 x 11     12         180
            nn.Conv2d(20, 12, kernel_size=1, bias=False),                     # 12 x 11 x 11     12         240
            nn.BatchNorm2d(12),                                               # 12 x 11 x 11     12          24
            nn.ReLU(),
            nn.Conv2d(12, 14, kernel_size=1, bias=False),                     # 14 x 11 x 11     12         168
            nn.BatchNorm2d(14),                                               # 14 x 11 x 11     12          28
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),                                          #   14 x 1 x 1     32
            nn.Flatten(),                                                     #           14     32
            nn.Linear(14, 10),                                                #           10     32         150
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        return self.head(x)
