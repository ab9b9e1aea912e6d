"""Trial 1 of study mnist-20k: 33 M dw 49k1 dw 49k1 dw 49k1 M dw 50k1 dw 50k1 dw 50k1 10k1 gap, SiLU

17,856 parameters (18,516 with batch norm's statistics), 1,819,310 multiply-accumulates,
27,885 values of activations at most at one time.
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
            nn.Conv2d(1, 33, kernel_size=3, bias=False),                         # 33 x 26 x 26      3         297
            nn.BatchNorm2d(33),                                                  # 33 x 26 x 26      3          66
            nn.SiLU(),
            nn.MaxPool2d(2),                                                     # 33 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(33, 33, kernel_size=3, padding=1, bias=False, groups=33),  # 33 x 13 x 13      8         297
            nn.Conv2d(33, 49, kernel_size=1, bias=False),                        # 49 x 13 x 13      8       1,617
            nn.BatchNorm2d(49),                                                  # 49 x 13 x 13      8          98
            nn.SiLU(),
            nn.Conv2d(49, 49, kernel_size=3, padding=1, bias=False, groups=49),  # 49 x 13 x 13     12         441
            nn.Conv2d(49, 49, kernel_size=1, bias=False),                        # 49 x 13 x 13     12       2,401
            nn.BatchNorm2d(49),                                                  # 49 x 13 x 13     12          98
            nn.SiLU(),
            nn.Conv2d(49, 49, kernel_size=3, padding=1, bias=False, groups=49),  # 49 x 13 x 13     16         441
            nn.Conv2d(49, 49, kernel_size=1, bias=False),                        # 49 x 13 x 13     16       2,401
            nn.BatchNorm2d(49),                                                  # 49 x 13 x 13     16          98
            nn.SiLU(),
            nn.MaxPool2d(2),                                                     #   49 x 6 x 6     18
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(49, 49, kernel_size=3, padding=1, bias=False, groups=49),  #   49 x 6 x 6     26         441
            nn.Conv2d(49, 50, kernel_size=1, bias=False),                        #   50 x 6 x 6     26       2,450
            nn.BatchNorm2d(50),                                                  #   50 x 6 x 6     26         100
            nn.SiLU(),
            nn.Conv2d(50, 50, kernel_size=3, padding=1, bias=False, groups=50),  #   50 x 6 x 6     34         450
            nn.Conv2d(50, 50, kernel_size=1, bias=False),                        #   50 x 6 x 6     34       2,500
            nn.BatchNorm2d(50),                                                  #   50 x 6 x 6     34         100
            nn.SiLU(),
            nn.Conv2d(50, 50, kernel_size=3, padding=1, bias=False, groups=50),  #   50 x 6 x 6     42         450
            nn.Conv2d(50, 50, kernel_size=1, bias=False),                        #   50 x 6 x 6     42       2,500
            nn.BatchNorm2d(50),                                                  #   50 x 6 x 6     42         100
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(50, 10, kernel_size=1),                                    #   10 x 6 x 6     42         510
            nn.AdaptiveAvgPool2d(1),                                             #   10 x 1 x 1     62
            nn.Flatten(),                                                        #           10     62
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
