"""Trial 23 of study mnist-8000: 9 M 10 26 7/2 6 16k5 10k1 gap

7,965 parameters (8,113 with batch norm's statistics), 905,128 multiply-accumulates,
8,820 values of activations at most at one time.
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
            nn.Conv2d(1, 9, kernel_size=3, padding=1, bias=False),            #  9 x 28 x 28      3          81
            nn.BatchNorm2d(9),                                                #  9 x 28 x 28      3          18
            nn.ReLU(),
            nn.MaxPool2d(2),                                                  #  9 x 14 x 14      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(9, 10, kernel_size=3, padding=1, bias=False),           # 10 x 14 x 14      8         810
            nn.BatchNorm2d(10),                                               # 10 x 14 x 14      8          20
            nn.ReLU(),
            nn.Conv2d(10, 26, kernel_size=3, padding=1, bias=False),          # 26 x 14 x 14     12       2,340
            nn.BatchNorm2d(26),                                               # 26 x 14 x 14     12          52
            nn.ReLU(),
            nn.Conv2d(26, 7, kernel_size=3, stride=2, padding=1, bias=False),  #    7 x 7 x 7     16       1,638
            nn.BatchNorm2d(7),                                                #    7 x 7 x 7     16          14
            nn.ReLU(),
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(7, 6, kernel_size=3, padding=1, bias=False),            #    6 x 7 x 7     24         378
            nn.BatchNorm2d(6),                                                #    6 x 7 x 7     24          12
            nn.ReLU(),
            nn.Conv2d(6, 16, kernel_size=5, padding=2, bias=False),           #   16 x 7 x 7     40       2,400
            nn.BatchNorm2d(16),                                               #   16 x 7 x 7     40          32
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(16, 10, kernel_size=1),                                 #   10 x 7 x 7     40         170
            nn.AdaptiveAvgPool2d(1),                                          #   10 x 1 x 1     64
            nn.Flatten(),                                                     #           10     64
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
