"""Trial 147 of study mnist: 10v dw 15k1 M dw 15k1 =dw =15k1 =dw =15k1 25k1 dwv 21k1 dw 21k1 =dw
=21k1 =dw =21k1 10k1 gap, SiLU

3,023 parameters (3,381 with batch norm's statistics), 813,825 multiply-accumulates,
16,900 values of activations at most at one time.
"""

from torch import Tensor, nn

# Of the pixels, scaled to 0 to 1, that it was trained on: it takes (pixels - MEAN) / STD.
MEAN, STD = 0.13057760484193678, 0.3080140931371779


class Net(nn.Module):
    """Normalised images (N, 1, 28, 28) to outputs (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        layer9 = nn.Conv2d(15, 15, kernel_size=3, padding=1, bias=False, groups=15)
        layer10 = nn.Conv2d(15, 15, kernel_size=1, bias=False)
        layer28 = nn.Conv2d(21, 21, kernel_size=3, padding=1, bias=False, groups=21)
        layer29 = nn.Conv2d(21, 21, kernel_size=1, bias=False)
                                                                                  #       output  field  parameters
        self.block1 = nn.Sequential(
            nn.Conv2d(1, 10, kernel_size=3, bias=False),                          # 10 x 26 x 26      3          90
            nn.BatchNorm2d(10),                                                   # 10 x 26 x 26      3          20
            nn.SiLU(),
            nn.Conv2d(10, 10, kernel_size=3, padding=1, bias=False, groups=10),   # 10 x 26 x 26      5          90
            nn.Conv2d(10, 15, kernel_size=1, bias=False),                         # 15 x 26 x 26      5         150
            nn.BatchNorm2d(15),                                                   # 15 x 26 x 26      5          30
            nn.SiLU(),
            nn.MaxPool2d(2),                                                      # 15 x 13 x 13      6
        )
        self.block2 = nn.Sequential(
            layer9,                                                               # 15 x 13 x 13     10         135
            layer10,                                                              # 15 x 13 x 13     10         225
            nn.BatchNorm2d(15),                                                   # 15 x 13 x 13     10          30
            nn.SiLU(),
            layer9,
            layer10,
            nn.BatchNorm2d(15),                                                   # 15 x 13 x 13     14          30
            nn.SiLU(),
            layer9,
            layer10,
            nn.BatchNorm2d(15),                                                   # 15 x 13 x 13     18          30
            nn.SiLU(),
            nn.Conv2d(15, 25, kernel_size=1, bias=False),                         # 25 x 13 x 13     18         375
            nn.BatchNorm2d(25),                                                   # 25 x 13 x 13     18          50
            nn.SiLU(),
            nn.Conv2d(25, 25, kernel_size=3, bias=False, groups=25),              # 25 x 11 x 11     22         225
            nn.Conv2d(25, 21, kernel_size=1, bias=False),                         # 21 x 11 x 11     22         525
            nn.BatchNorm2d(21),                                                   # 21 x 11 x 11     22          42
            nn.SiLU(),
            layer28,                                                              # 21 x 11 x 11     26         189
            layer29,                                                              # 21 x 11 x 11     26         441
            nn.BatchNorm2d(21),                                                   # 21 x 11 x 11     26          42
            nn.SiLU(),
            layer28,
            layer29,
            nn.BatchNorm2d(21),                                                   # 21 x 11 x 11     30          42
            nn.SiLU(),
            layer28,
            layer29,
            nn.BatchNorm2d(21),                                                   # 21 x 11 x 11     34          42
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(21, 10, kernel_size=1),                                     # 10 x 11 x 11     34         220
            nn.AdaptiveAvgPool2d(1),                                              #   10 x 1 x 1     54
            nn.Flatten(),                                                         #           10     54
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        return self.head(x)
