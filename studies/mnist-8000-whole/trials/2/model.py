"""Trial 2 of study mnist-8000: 6 M 9 M 12 10k1 gap

1,696 parameters (1,750 with batch norm's statistics), 157,950 multiply-accumulates,
5,070 values of activations at most at one time.
"""

from torch import Tensor, nn

# Of the pixels, scaled to 0 to 1, that it was trained on: it takes (pixels - MEAN) / STD.
MEAN, STD = 0.13057760484193678, 0.3080140931371779


class Net(nn.Module):
    """Normalised images (N, 1, 28, 28) to outputs (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
                                                                     #      output  field  parameters
        self.block1 = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=3, bias=False),              # 6 x 26 x 26      3          54
            nn.BatchNorm2d(6),                                       # 6 x 26 x 26      3          12
            nn.ReLU(),
            nn.MaxPool2d(2),                                         # 6 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(6, 9, kernel_size=3, padding=1, bias=False),   # 9 x 13 x 13      8         486
            nn.BatchNorm2d(9),                                       # 9 x 13 x 13      8          18
            nn.ReLU(),
            nn.MaxPool2d(2),                                         #   9 x 6 x 6     10
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(9, 12, kernel_size=3, padding=1, bias=False),  #  12 x 6 x 6     18         972
            nn.BatchNorm2d(12),                                      #  12 x 6 x 6     18          24
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(12, 10, kernel_size=1),                        #  10 x 6 x 6     18         130
            nn.AdaptiveAvgPool2d(1),                                 #  10 x 1 x 1     38
            nn.Flatten(),                                            #          10     38
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
