"""Trial 19 of study mnist-8000: 8/2 11 A 23 M 10

5,305 parameters (5,389 with batch norm's statistics), 212,202 multiply-accumulates,
3,152 values of activations at most at one time.
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
            nn.Conv2d(1, 8, kernel_size=3, stride=2, padding=1, bias=False),  #  8 x 14 x 14      3          72
            nn.BatchNorm2d(8),                                                #  8 x 14 x 14      3          16
            nn.SiLU(),
            nn.Dropout(p=0.12),
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(8, 11, kernel_size=3, bias=False),                      # 11 x 12 x 12      7         792
            nn.BatchNorm2d(11),                                               # 11 x 12 x 12      7          22
            nn.SiLU(),
            nn.Dropout(p=0.12),
            nn.AvgPool2d(2),                                                  #   11 x 6 x 6      9
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(11, 23, kernel_size=3, padding=1, bias=False),          #   23 x 6 x 6     17       2,277
            nn.BatchNorm2d(23),                                               #   23 x 6 x 6     17          46
            nn.SiLU(),
            nn.Dropout(p=0.12),
            nn.MaxPool2d(2),                                                  #   23 x 3 x 3     21
        )
        self.head = nn.Sequential(
            nn.Conv2d(23, 10, kernel_size=3),                                 #   10 x 1 x 1     37       2,080
            nn.Flatten(),                                                     #           10     37
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
