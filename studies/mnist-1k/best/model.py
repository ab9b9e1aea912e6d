"""Trial 242 of study mnist-1k: 6v M 4k1 dw 9k1 dw 11k1 M dwv 11k1 dwv 10k1 gap fc10, SiLU

971 parameters (1,073 with batch norm's statistics), 87,604 multiply-accumulates,
5,070 values of activations at most at one time.
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
            nn.Conv2d(1, 6, kernel_size=3, bias=False),                       #  6 x 26 x 26      3          54
            nn.BatchNorm2d(6),                                                #  6 x 26 x 26      3          12
            nn.SiLU(),
            nn.MaxPool2d(2),                                                  #  6 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(6, 4, kernel_size=1, bias=False),                       #  4 x 13 x 13      4          24
            nn.BatchNorm2d(4),                                                #  4 x 13 x 13      4           8
            nn.SiLU(),
            nn.Conv2d(4, 4, kernel_size=3, padding=1, bias=False, groups=4),  #  4 x 13 x 13      8          36
            nn.Conv2d(4, 9, kernel_size=1, bias=False),                       #  9 x 13 x 13      8          36
            nn.BatchNorm2d(9),                                                #  9 x 13 x 13      8          18
            nn.SiLU(),
            nn.Conv2d(9, 9, kernel_size=3, padding=1, bias=False, groups=9),  #  9 x 13 x 13     12          81
            nn.Conv2d(9, 11, kernel_size=1, bias=False),                      # 11 x 13 x 13     12          99
            nn.BatchNorm2d(11),                                               # 11 x 13 x 13     12          22
            nn.SiLU(),
            nn.MaxPool2d(2),                                                  #   11 x 6 x 6     14
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(11, 11, kernel_size=3, bias=False, groups=11),          #   11 x 4 x 4     22          99
            nn.Conv2d(11, 11, kernel_size=1, bias=False),                     #   11 x 4 x 4     22         121
            nn.BatchNorm2d(11),                                               #   11 x 4 x 4     22          22
            nn.SiLU(),
            nn.Conv2d(11, 11, kernel_size=3, bias=False, groups=11),          #   11 x 2 x 2     30          99
            nn.Conv2d(11, 10, kernel_size=1, bias=False),                     #   10 x 2 x 2     30         110
            nn.BatchNorm2d(10),                                               #   10 x 2 x 2     30          20
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),                                          #   10 x 1 x 1     34
            nn.Flatten(),                                                     #           10     34
            nn.Linear(10, 10),                                                #           10     34         110
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
