"""Trial 6 of study mnist-8000: 21 24 7k1 dw5/2 25k1 dw 6k1 M dw 9k1 10k1 gap

5,918 parameters (5,918 with batch norm's statistics), 2,897,060 multiply-accumulates,
28,020 values of activations at most at one time.
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
            nn.Conv2d(1, 21, kernel_size=3),                                 # 21 x 26 x 26      3         210
            nn.ReLU(),
            nn.Conv2d(21, 24, kernel_size=3),                                # 24 x 24 x 24      5       4,560
            nn.ReLU(),
            nn.Conv2d(24, 7, kernel_size=1),                                 #  7 x 24 x 24      5         175
            nn.ReLU(),
            nn.Conv2d(7, 7, kernel_size=5, stride=2, bias=False, groups=7),  #  7 x 10 x 10      9         175
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(7, 25, kernel_size=1),                                 # 25 x 10 x 10      9         200
            nn.ReLU(),
            nn.Conv2d(25, 25, kernel_size=3, bias=False, groups=25),         #   25 x 8 x 8     13         225
            nn.Conv2d(25, 6, kernel_size=1),                                 #    6 x 8 x 8     13         156
            nn.ReLU(),
            nn.MaxPool2d(2),                                                 #    6 x 4 x 4     15
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(6, 6, kernel_size=3, bias=False, groups=6),            #    6 x 2 x 2     23          54
            nn.Conv2d(6, 9, kernel_size=1),                                  #    9 x 2 x 2     23          63
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(9, 10, kernel_size=1),                                 #   10 x 2 x 2     23         100
            nn.AdaptiveAvgPool2d(1),                                         #   10 x 1 x 1     27
            nn.Flatten(),                                                    #           10     27
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
