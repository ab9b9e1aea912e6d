"""Trial 24 of study mnist-8000: 14 M dw 8k1 M 10k1 dw 9k1 dw 17k1 6k1 dw 10k1 10k1 gap

1,332 parameters (1,480 with batch norm's statistics), 150,278 multiply-accumulates,
11,830 values of activations at most at one time.
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
            nn.Conv2d(1, 14, kernel_size=3, bias=False),                      # 14 x 26 x 26      3         126
            nn.BatchNorm2d(14),                                               # 14 x 26 x 26      3          28
            nn.ReLU(),
            nn.MaxPool2d(2),                                                  # 14 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(14, 14, kernel_size=3, padding=1, bias=False, groups=14),  # 14 x 13 x 13      8         126
            nn.Conv2d(14, 8, kernel_size=1, bias=False),                      #  8 x 13 x 13      8         112
            nn.BatchNorm2d(8),                                                #  8 x 13 x 13      8          16
            nn.ReLU(),
            nn.MaxPool2d(2),                                                  #    8 x 6 x 6     10
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(8, 10, kernel_size=1, bias=False),                      #   10 x 6 x 6     10          80
            nn.BatchNorm2d(10),                                               #   10 x 6 x 6     10          20
            nn.ReLU(),
            nn.Conv2d(10, 10, kernel_size=3, padding=1, bias=False, groups=10),  #   10 x 6 x 6     18          90
            nn.Conv2d(10, 9, kernel_size=1, bias=False),                      #    9 x 6 x 6     18          90
            nn.BatchNorm2d(9),                                                #    9 x 6 x 6     18          18
            nn.ReLU(),
            nn.Conv2d(9, 9, kernel_size=3, padding=1, bias=False, groups=9),  #    9 x 6 x 6     26          81
            nn.Conv2d(9, 17, kernel_size=1, bias=False),                      #   17 x 6 x 6     26         153
            nn.BatchNorm2d(17),                                               #   17 x 6 x 6     26          34
            nn.ReLU(),
            nn.Conv2d(17, 6, kernel_size=1, bias=False),                      #    6 x 6 x 6     26         102
            nn.BatchNorm2d(6),                                                #    6 x 6 x 6     26          12
            nn.ReLU(),
            nn.Conv2d(6, 6, kernel_size=3, bias=False, groups=6),             #    6 x 4 x 4     34          54
            nn.Conv2d(6, 10, kernel_size=1, bias=False),                      #   10 x 4 x 4     34          60
            nn.BatchNorm2d(10),                                               #   10 x 4 x 4     34          20
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(10, 10, kernel_size=1),                                 #   10 x 4 x 4     34         110
            nn.AdaptiveAvgPool2d(1),                                          #   10 x 1 x 1     46
            nn.Flatten(),                                                     #           10     46
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
