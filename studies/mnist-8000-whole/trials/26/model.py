"""Trial 26 of study mnist-8000: 26 M dw 8k1 M 10k1 dw 7k1 6k1 dw 14k1 dw 6k1 10k1 gap

1,530 parameters (1,684 with batch norm's statistics), 246,322 multiply-accumulates,
21,970 values of activations at most at one time.
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
            nn.Conv2d(1, 26, kernel_size=3, bias=False),                      # 26 x 26 x 26      3         234
            nn.BatchNorm2d(26),                                               # 26 x 26 x 26      3          52
            nn.ReLU(),
            nn.MaxPool2d(2),                                                  # 26 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(26, 26, kernel_size=3, padding=1, bias=False, groups=26),  # 26 x 13 x 13      8         234
            nn.Conv2d(26, 8, kernel_size=1, bias=False),                      #  8 x 13 x 13      8         208
            nn.BatchNorm2d(8),                                                #  8 x 13 x 13      8          16
            nn.ReLU(),
            nn.MaxPool2d(2),                                                  #    8 x 6 x 6     10
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(8, 10, kernel_size=1, bias=False),                      #   10 x 6 x 6     10          80
            nn.BatchNorm2d(10),                                               #   10 x 6 x 6     10          20
            nn.ReLU(),
            nn.Conv2d(10, 10, kernel_size=3, padding=1, bias=False, groups=10),  #   10 x 6 x 6     18          90
            nn.Conv2d(10, 7, kernel_size=1, bias=False),                      #    7 x 6 x 6     18          70
            nn.BatchNorm2d(7),                                                #    7 x 6 x 6     18          14
            nn.ReLU(),
            nn.Conv2d(7, 6, kernel_size=1, bias=False),                       #    6 x 6 x 6     18          42
            nn.BatchNorm2d(6),                                                #    6 x 6 x 6     18          12
            nn.ReLU(),
            nn.Conv2d(6, 6, kernel_size=3, bias=False, groups=6),             #    6 x 4 x 4     26          54
            nn.Conv2d(6, 14, kernel_size=1, bias=False),                      #   14 x 4 x 4     26          84
            nn.BatchNorm2d(14),                                               #   14 x 4 x 4     26          28
            nn.ReLU(),
            nn.Conv2d(14, 14, kernel_size=3, bias=False, groups=14),          #   14 x 2 x 2     34         126
            nn.Conv2d(14, 6, kernel_size=1, bias=False),                      #    6 x 2 x 2     34          84
            nn.BatchNorm2d(6),                                                #    6 x 2 x 2     34          12
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(6, 10, kernel_size=1),                                  #   10 x 2 x 2     34          70
            nn.AdaptiveAvgPool2d(1),                                          #   10 x 1 x 1     38
            nn.Flatten(),                                                     #           10     38
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
