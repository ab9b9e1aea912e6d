"""Trial 165 of study mnist: 19v M 23k1 dw 30k1 dw 30k1 dw 30k1 M 20k1 dw 32k1 dw 18k1 10k1 gap,
SiLU

6,723 parameters (7,127 with batch norm's statistics), 825,206 multiply-accumulates,
16,055 values of activations at most at one time.
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
            nn.Conv2d(1, 19, kernel_size=3, bias=False),                         # 19 x 26 x 26      3         171
            nn.BatchNorm2d(19),                                                  # 19 x 26 x 26      3          38
            nn.SiLU(),
            nn.MaxPool2d(2),                                                     # 19 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(19, 23, kernel_size=1, bias=False),                        # 23 x 13 x 13      4         437
            nn.BatchNorm2d(23),                                                  # 23 x 13 x 13      4          46
            nn.SiLU(),
            nn.Conv2d(23, 23, kernel_size=3, padding=1, bias=False, groups=23),  # 23 x 13 x 13      8         207
            nn.Conv2d(23, 30, kernel_size=1, bias=False),                        # 30 x 13 x 13      8         690
            nn.BatchNorm2d(30),                                                  # 30 x 13 x 13      8          60
            nn.SiLU(),
            nn.Conv2d(30, 30, kernel_size=3, padding=1, bias=False, groups=30),  # 30 x 13 x 13     12         270
            nn.Conv2d(30, 30, kernel_size=1, bias=False),                        # 30 x 13 x 13     12         900
            nn.BatchNorm2d(30),                                                  # 30 x 13 x 13     12          60
            nn.SiLU(),
            nn.Conv2d(30, 30, kernel_size=3, padding=1, bias=False, groups=30),  # 30 x 13 x 13     16         270
            nn.Conv2d(30, 30, kernel_size=1, bias=False),                        # 30 x 13 x 13     16         900
            nn.BatchNorm2d(30),                                                  # 30 x 13 x 13     16          60
            nn.SiLU(),
            nn.MaxPool2d(2),                                                     #   30 x 6 x 6     18
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(30, 20, kernel_size=1, bias=False),                        #   20 x 6 x 6     18         600
            nn.BatchNorm2d(20),                                                  #   20 x 6 x 6     18          40
            nn.SiLU(),
            nn.Conv2d(20, 20, kernel_size=3, padding=1, bias=False, groups=20),  #   20 x 6 x 6     26         180
            nn.Conv2d(20, 32, kernel_size=1, bias=False),                        #   32 x 6 x 6     26         640
            nn.BatchNorm2d(32),                                                  #   32 x 6 x 6     26          64
            nn.SiLU(),
            nn.Conv2d(32, 32, kernel_size=3, padding=1, bias=False, groups=32),  #   32 x 6 x 6     34         288
            nn.Conv2d(32, 18, kernel_size=1, bias=False),                        #   18 x 6 x 6     34         576
            nn.BatchNorm2d(18),                                                  #   18 x 6 x 6     34          36
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(18, 10, kernel_size=1),                                    #   10 x 6 x 6     34         190
            nn.AdaptiveAvgPool2d(1),                                             #   10 x 1 x 1     54
            nn.Flatten(),                                                        #           10     54
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
