"""Trial 46 of study fashion-mnist: 29v dw 49k1 dw 49k1 dw 50k1 M dwv 50k1 dwv 50k1 dwv 50k1 10k1
gap, SiLU

17,690 parameters (18,344 with batch norm's statistics), 5,953,926 multiply-accumulates,
66,924 values of activations at most at one time.
"""

from torch import Tensor, nn

# Of the pixels, scaled to 0 to 1, that it was trained on: it takes (pixels - MEAN) / STD.
MEAN, STD = 0.2861379655862345, 0.3530625362067839


class Net(nn.Module):
    """Normalised images (N, 1, 28, 28) to outputs (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
                                                                                 #       output  field  parameters
        self.block1 = nn.Sequential(
            nn.Conv2d(1, 29, kernel_size=3, bias=False),                         # 29 x 26 x 26      3         261
            nn.BatchNorm2d(29),                                                  # 29 x 26 x 26      3          58
            nn.SiLU(),
            nn.Conv2d(29, 29, kernel_size=3, padding=1, bias=False, groups=29),  # 29 x 26 x 26      5         261
            nn.Conv2d(29, 49, kernel_size=1, bias=False),                        # 49 x 26 x 26      5       1,421
            nn.BatchNorm2d(49),                                                  # 49 x 26 x 26      5          98
            nn.SiLU(),
            nn.Conv2d(49, 49, kernel_size=3, padding=1, bias=False, groups=49),  # 49 x 26 x 26      7         441
            nn.Conv2d(49, 49, kernel_size=1, bias=False),                        # 49 x 26 x 26      7       2,401
            nn.BatchNorm2d(49),                                                  # 49 x 26 x 26      7          98
            nn.SiLU(),
            nn.Conv2d(49, 49, kernel_size=3, padding=1, bias=False, groups=49),  # 49 x 26 x 26      9         441
            nn.Conv2d(49, 50, kernel_size=1, bias=False),                        # 50 x 26 x 26      9       2,450
            nn.BatchNorm2d(50),                                                  # 50 x 26 x 26      9         100
            nn.SiLU(),
            nn.MaxPool2d(2),                                                     # 50 x 13 x 13     10
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(50, 50, kernel_size=3, bias=False, groups=50),             # 50 x 11 x 11     14         450
            nn.Conv2d(50, 50, kernel_size=1, bias=False),                        # 50 x 11 x 11     14       2,500
            nn.BatchNorm2d(50),                                                  # 50 x 11 x 11     14         100
            nn.SiLU(),
            nn.Conv2d(50, 50, kernel_size=3, bias=False, groups=50),             #   50 x 9 x 9     18         450
            nn.Conv2d(50, 50, kernel_size=1, bias=False),                        #   50 x 9 x 9     18       2,500
            nn.BatchNorm2d(50),                                                  #   50 x 9 x 9     18         100
            nn.SiLU(),
            nn.Conv2d(50, 50, kernel_size=3, bias=False, groups=50),             #   50 x 7 x 7     22         450
            nn.Conv2d(50, 50, kernel_size=1, bias=False),                        #   50 x 7 x 7     22       2,500
            nn.BatchNorm2d(50),                                                  #   50 x 7 x 7     22         100
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(50, 10, kernel_size=1),                                    #   10 x 7 x 7     22         510
            nn.AdaptiveAvgPool2d(1),                                             #   10 x 1 x 1     34
            nn.Flatten(),                                                        #           10     34
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        return self.head(x)
