"""Trial 125 of study mnist-20k: 20v M dw 30k1 dw 30k1 dw 30k1 M dw 40k1 dw 35k1 dw 40k1 10k1 gap,
SiLU

9,105 parameters (9,555 with batch norm's statistics), 841,380 multiply-accumulates,
16,900 values of activations at most at one time.
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
            nn.Conv2d(1, 20, kernel_size=3, bias=False),                         # 20 x 26 x 26      3         180
            nn.BatchNorm2d(20),                                                  # 20 x 26 x 26      3          40
            nn.SiLU(),
            nn.MaxPool2d(2),                                                     # 20 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(20, 20, kernel_size=3, padding=1, bias=False, groups=20),  # 20 x 13 x 13      8         180
            nn.Conv2d(20, 30, kernel_size=1, bias=False),                        # 30 x 13 x 13      8         600
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
            nn.Conv2d(30, 30, kernel_size=3, padding=1, bias=False, groups=30),  #   30 x 6 x 6     26         270
            nn.Conv2d(30, 40, kernel_size=1, bias=False),                        #   40 x 6 x 6     26       1,200
            nn.BatchNorm2d(40),                                                  #   40 x 6 x 6     26          80
            nn.SiLU(),
            nn.Conv2d(40, 40, kernel_size=3, padding=1, bias=False, groups=40),  #   40 x 6 x 6     34         360
            nn.Conv2d(40, 35, kernel_size=1, bias=False),                        #   35 x 6 x 6     34       1,400
            nn.BatchNorm2d(35),                                                  #   35 x 6 x 6     34          70
            nn.SiLU(),
            nn.Conv2d(35, 35, kernel_size=3, padding=1, bias=False, groups=35),  #   35 x 6 x 6     42         315
            nn.Conv2d(35, 40, kernel_size=1, bias=False),                        #   40 x 6 x 6     42       1,400
            nn.BatchNorm2d(40),                                                  #   40 x 6 x 6     42          80
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(40, 10, kernel_size=1),                                    #   10 x 6 x 6     42         410
            nn.AdaptiveAvgPool2d(1),                                             #   10 x 1 x 1     62
            nn.Flatten(),                                                        #           10     62
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
