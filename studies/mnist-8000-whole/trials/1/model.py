"""Trial 1 of study mnist-8000: 7 7 M 10 10 M 14 10k1 gap

3,540 parameters (3,636 with batch norm's statistics), 567,324 multiply-accumulates,
8,764 values of activations at most at one time.
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
            nn.Conv2d(1, 7, kernel_size=3, bias=False),               #  7 x 26 x 26      3          63
            nn.BatchNorm2d(7),                                        #  7 x 26 x 26      3          14
            nn.ReLU(),
            nn.Conv2d(7, 7, kernel_size=3, bias=False),               #  7 x 24 x 24      5         441
            nn.BatchNorm2d(7),                                        #  7 x 24 x 24      5          14
            nn.ReLU(),
            nn.MaxPool2d(2),                                          #  7 x 12 x 12      6
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(7, 10, kernel_size=3, padding=1, bias=False),   # 10 x 12 x 12     10         630
            nn.BatchNorm2d(10),                                       # 10 x 12 x 12     10          20
            nn.ReLU(),
            nn.Conv2d(10, 10, kernel_size=3, padding=1, bias=False),  # 10 x 12 x 12     14         900
            nn.BatchNorm2d(10),                                       # 10 x 12 x 12     14          20
            nn.ReLU(),
            nn.MaxPool2d(2),                                          #   10 x 6 x 6     16
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(10, 14, kernel_size=3, padding=1, bias=False),  #   14 x 6 x 6     24       1,260
            nn.BatchNorm2d(14),                                       #   14 x 6 x 6     24          28
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(14, 10, kernel_size=1),                         #   10 x 6 x 6     24         150
            nn.AdaptiveAvgPool2d(1),                                  #   10 x 1 x 1     44
            nn.Flatten(),                                             #           10     44
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
