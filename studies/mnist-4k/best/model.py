"""Trial 0 of study mnist-4k: 13v M dw 19k1 dw 19k1 dw 19k1 M dw 22k1 dw 22k1 dw 22k1 10k1 gap, SiLU

4,000 parameters (4,272 with batch norm's statistics), 398,652 multiply-accumulates,
10,985 values of activations at most at one time.
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
            nn.Conv2d(1, 13, kernel_size=3, bias=False),                         # 13 x 26 x 26      3         117
            nn.BatchNorm2d(13),                                                  # 13 x 26 x 26      3          26
            nn.SiLU(),
            nn.MaxPool2d(2),                                                     # 13 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(13, 13, kernel_size=3, padding=1, bias=False, groups=13),  # 13 x 13 x 13      8         117
            nn.Conv2d(13, 19, kernel_size=1, bias=False),                        # 19 x 13 x 13      8         247
            nn.BatchNorm2d(19),                                                  # 19 x 13 x 13      8          38
            nn.SiLU(),
            nn.Conv2d(19, 19, kernel_size=3, padding=1, bias=False, groups=19),  # 19 x 13 x 13     12         171
            nn.Conv2d(19, 19, kernel_size=1, bias=False),                        # 19 x 13 x 13     12         361
            nn.BatchNorm2d(19),                                                  # 19 x 13 x 13     12          38
            nn.SiLU(),
            nn.Conv2d(19, 19, kernel_size=3, padding=1, bias=False, groups=19),  # 19 x 13 x 13     16         171
            nn.Conv2d(19, 19, kernel_size=1, bias=False),                        # 19 x 13 x 13     16         361
            nn.BatchNorm2d(19),                                                  # 19 x 13 x 13     16          38
            nn.SiLU(),
            nn.MaxPool2d(2),                                                     #   19 x 6 x 6     18
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(19, 19, kernel_size=3, padding=1, bias=False, groups=19),  #   19 x 6 x 6     26         171
            nn.Conv2d(19, 22, kernel_size=1, bias=False),                        #   22 x 6 x 6     26         418
            nn.BatchNorm2d(22),                                                  #   22 x 6 x 6     26          44
            nn.SiLU(),
            nn.Conv2d(22, 22, kernel_size=3, padding=1, bias=False, groups=22),  #   22 x 6 x 6     34         198
            nn.Conv2d(22, 22, kernel_size=1, bias=False),                        #   22 x 6 x 6     34         484
            nn.BatchNorm2d(22),                                                  #   22 x 6 x 6     34          44
            nn.SiLU(),
            nn.Conv2d(22, 22, kernel_size=3, padding=1, bias=False, groups=22),  #   22 x 6 x 6     42         198
            nn.Conv2d(22, 22, kernel_size=1, bias=False),                        #   22 x 6 x 6     42         484
            nn.BatchNorm2d(22),                                                  #   22 x 6 x 6     42          44
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(22, 10, kernel_size=1),                                    #   10 x 6 x 6     42         230
            nn.AdaptiveAvgPool2d(1),                                             #   10 x 1 x 1     62
            nn.Flatten(),                                                        #           10     62
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
