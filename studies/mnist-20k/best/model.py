"""Trial 0 of study mnist-20k: 13v 13v M 19 19 M 26 26 10k1 gap, SiLU

18,142 parameters (18,374 with batch norm's statistics), 2,131,596 multiply-accumulates,
16,276 values of activations at most at one time.
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
            nn.Conv2d(1, 13, kernel_size=3, bias=False),              # 13 x 26 x 26      3         117
            nn.BatchNorm2d(13),                                       # 13 x 26 x 26      3          26
            nn.SiLU(),
            nn.Conv2d(13, 13, kernel_size=3, bias=False),             # 13 x 24 x 24      5       1,521
            nn.BatchNorm2d(13),                                       # 13 x 24 x 24      5          26
            nn.SiLU(),
            nn.MaxPool2d(2),                                          # 13 x 12 x 12      6
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(13, 19, kernel_size=3, padding=1, bias=False),  # 19 x 12 x 12     10       2,223
            nn.BatchNorm2d(19),                                       # 19 x 12 x 12     10          38
            nn.SiLU(),
            nn.Conv2d(19, 19, kernel_size=3, padding=1, bias=False),  # 19 x 12 x 12     14       3,249
            nn.BatchNorm2d(19),                                       # 19 x 12 x 12     14          38
            nn.SiLU(),
            nn.MaxPool2d(2),                                          #   19 x 6 x 6     16
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(19, 26, kernel_size=3, padding=1, bias=False),  #   26 x 6 x 6     24       4,446
            nn.BatchNorm2d(26),                                       #   26 x 6 x 6     24          52
            nn.SiLU(),
            nn.Conv2d(26, 26, kernel_size=3, padding=1, bias=False),  #   26 x 6 x 6     32       6,084
            nn.BatchNorm2d(26),                                       #   26 x 6 x 6     32          52
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(26, 10, kernel_size=1),                         #   10 x 6 x 6     32         270
            nn.AdaptiveAvgPool2d(1),                                  #   10 x 1 x 1     52
            nn.Flatten(),                                             #           10     52
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
