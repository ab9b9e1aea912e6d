"""Trial 15 of study mnist-8k: 8 8 A 12 12 M 16 16 10k1 gap

7,154 parameters (7,298 with batch norm's statistics), 842,400 multiply-accumulates,
10,016 values of activations at most at one time.
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
            nn.Conv2d(1, 8, kernel_size=3, bias=False),               #  8 x 26 x 26      3          72
            nn.BatchNorm2d(8),                                        #  8 x 26 x 26      3          16
            nn.ReLU(),
            nn.Conv2d(8, 8, kernel_size=3, bias=False),               #  8 x 24 x 24      5         576
            nn.BatchNorm2d(8),                                        #  8 x 24 x 24      5          16
            nn.ReLU(),
            nn.AvgPool2d(2),                                          #  8 x 12 x 12      6
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(8, 12, kernel_size=3, padding=1, bias=False),   # 12 x 12 x 12     10         864
            nn.BatchNorm2d(12),                                       # 12 x 12 x 12     10          24
            nn.ReLU(),
            nn.Conv2d(12, 12, kernel_size=3, padding=1, bias=False),  # 12 x 12 x 12     14       1,296
            nn.BatchNorm2d(12),                                       # 12 x 12 x 12     14          24
            nn.ReLU(),
            nn.MaxPool2d(2),                                          #   12 x 6 x 6     16
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(12, 16, kernel_size=3, padding=1, bias=False),  #   16 x 6 x 6     24       1,728
            nn.BatchNorm2d(16),                                       #   16 x 6 x 6     24          32
            nn.ReLU(),
            nn.Conv2d(16, 16, kernel_size=3, padding=1, bias=False),  #   16 x 6 x 6     32       2,304
            nn.BatchNorm2d(16),                                       #   16 x 6 x 6     32          32
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(16, 10, kernel_size=1),                         #   10 x 6 x 6     32         170
            nn.AdaptiveAvgPool2d(1),                                  #   10 x 1 x 1     52
            nn.Flatten(),                                             #           10     52
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
