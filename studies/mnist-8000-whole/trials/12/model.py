"""Trial 12 of study mnist-8000: 6 M 7 6 M 13 6k1 10k1 gap

1,736 parameters (1,812 with batch norm's statistics), 126,300 multiply-accumulates,
5,070 values of activations at most at one time.
"""

from torch import Tensor, nn

# Of the pixels, scaled to 0 to 1, that it was trained on: it takes (pixels - MEAN) / STD.
MEAN, STD = 0.13057760484193678, 0.3080140931371779


class Net(nn.Module):
    """Normalised images (N, 1, 28, 28) to outputs (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
                                                                     #      output  field  parameters
        self.block1 = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=3, bias=False),              # 6 x 26 x 26      3          54
            nn.BatchNorm2d(6),                                       # 6 x 26 x 26      3          12
            nn.SiLU(),
            nn.Dropout2d(p=0.02),
            nn.MaxPool2d(2),                                         # 6 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(6, 7, kernel_size=3, bias=False),              # 7 x 11 x 11      8         378
            nn.BatchNorm2d(7),                                       # 7 x 11 x 11      8          14
            nn.SiLU(),
            nn.Dropout2d(p=0.02),
            nn.Conv2d(7, 6, kernel_size=3, bias=False),              #   6 x 9 x 9     12         378
            nn.BatchNorm2d(6),                                       #   6 x 9 x 9     12          12
            nn.SiLU(),
            nn.Dropout2d(p=0.02),
            nn.MaxPool2d(2),                                         #   6 x 4 x 4     14
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(6, 13, kernel_size=3, padding=1, bias=False),  #  13 x 4 x 4     22         702
            nn.BatchNorm2d(13),                                      #  13 x 4 x 4     22          26
            nn.SiLU(),
            nn.Dropout2d(p=0.02),
            nn.Conv2d(13, 6, kernel_size=1, bias=False),             #   6 x 4 x 4     22          78
            nn.BatchNorm2d(6),                                       #   6 x 4 x 4     22          12
            nn.SiLU(),
            nn.Dropout2d(p=0.02),
        )
        self.head = nn.Sequential(
            nn.Conv2d(6, 10, kernel_size=1),                         #  10 x 4 x 4     22          70
            nn.AdaptiveAvgPool2d(1),                                 #  10 x 1 x 1     34
            nn.Flatten(),                                            #          10     34
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
