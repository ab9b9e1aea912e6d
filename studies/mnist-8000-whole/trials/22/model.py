"""Trial 22 of study mnist-8000: 7 M 9 M 11 11 10k1 gap

2,806 parameters (2,882 with batch norm's statistics), 157,463 multiply-accumulates,
5,915 values of activations at most at one time.
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
            nn.Conv2d(1, 7, kernel_size=3, bias=False),             # 7 x 26 x 26      3          63
            nn.BatchNorm2d(7),                                      # 7 x 26 x 26      3          14
            nn.ReLU(),
            nn.MaxPool2d(2),                                        # 7 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(7, 9, kernel_size=3, padding=1, bias=False),  # 9 x 13 x 13      8         567
            nn.BatchNorm2d(9),                                      # 9 x 13 x 13      8          18
            nn.ReLU(),
            nn.MaxPool2d(2),                                        #   9 x 6 x 6     10
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(9, 11, kernel_size=3, bias=False),            #  11 x 4 x 4     18         891
            nn.BatchNorm2d(11),                                     #  11 x 4 x 4     18          22
            nn.ReLU(),
            nn.Conv2d(11, 11, kernel_size=3, bias=False),           #  11 x 2 x 2     26       1,089
            nn.BatchNorm2d(11),                                     #  11 x 2 x 2     26          22
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(11, 10, kernel_size=1),                       #  10 x 2 x 2     26         120
            nn.AdaptiveAvgPool2d(1),                                #  10 x 1 x 1     30
            nn.Flatten(),                                           #          10     30
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
