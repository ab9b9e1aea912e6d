"""Trial 14 of study mnist-8000: dw 6k1 A 9 11 M 26k1 9 11k5/2 20k1 10k1 gap

6,873 parameters (7,057 with batch norm's statistics), 331,860 multiply-accumulates,
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
            nn.Conv2d(1, 1, kernel_size=3, bias=False),              #  1 x 26 x 26      3           9
            nn.Conv2d(1, 6, kernel_size=1, bias=False),              #  6 x 26 x 26      3           6
            nn.BatchNorm2d(6),                                       #  6 x 26 x 26      3          12
            nn.ReLU(),
            nn.AvgPool2d(2),                                         #  6 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(6, 9, kernel_size=3, padding=1, bias=False),   #  9 x 13 x 13      8         486
            nn.BatchNorm2d(9),                                       #  9 x 13 x 13      8          18
            nn.ReLU(),
            nn.Conv2d(9, 11, kernel_size=3, padding=1, bias=False),  # 11 x 13 x 13     12         891
            nn.BatchNorm2d(11),                                      # 11 x 13 x 13     12          22
            nn.ReLU(),
            nn.MaxPool2d(2),                                         #   11 x 6 x 6     14
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(11, 26, kernel_size=1, bias=False),            #   26 x 6 x 6     14         286
            nn.BatchNorm2d(26),                                      #   26 x 6 x 6     14          52
            nn.ReLU(),
            nn.Conv2d(26, 9, kernel_size=3, padding=1, bias=False),  #    9 x 6 x 6     22       2,106
            nn.BatchNorm2d(9),                                       #    9 x 6 x 6     22          18
            nn.ReLU(),
            nn.Conv2d(9, 11, kernel_size=5, stride=2, bias=False),   #   11 x 1 x 1     38       2,475
            nn.BatchNorm2d(11),                                      #   11 x 1 x 1     38          22
            nn.ReLU(),
        )
        self.block4 = nn.Sequential(
            nn.Conv2d(11, 20, kernel_size=1, bias=False),            #   20 x 1 x 1     38         220
            nn.BatchNorm2d(20),                                      #   20 x 1 x 1     38          40
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(20, 10, kernel_size=1),                        #   10 x 1 x 1     38         210
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),                                            #           10     38
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        x = self.block4(x)
        return self.head(x)
