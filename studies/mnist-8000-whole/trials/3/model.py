"""Trial 3 of study mnist-8000: dw5 25k1 dw5 20k1 dw5 7k1 M 10k5 M 17k1 10k1 gap

3,994 parameters (3,994 with batch norm's statistics), 760,080 multiply-accumulates,
24,400 values of activations at most at one time.
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
            nn.Conv2d(1, 1, kernel_size=5, bias=False),               #  1 x 24 x 24      5          25
            nn.Conv2d(1, 25, kernel_size=1),                          # 25 x 24 x 24      5          50
            nn.ReLU(),
            nn.Conv2d(25, 25, kernel_size=5, bias=False, groups=25),  # 25 x 20 x 20      9         625
            nn.Conv2d(25, 20, kernel_size=1),                         # 20 x 20 x 20      9         520
            nn.ReLU(),
            nn.Conv2d(20, 20, kernel_size=5, bias=False, groups=20),  # 20 x 16 x 16     13         500
            nn.Conv2d(20, 7, kernel_size=1),                          #  7 x 16 x 16     13         147
            nn.ReLU(),
            nn.MaxPool2d(2),                                          #    7 x 8 x 8     14
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(7, 10, kernel_size=5, padding=2),               #   10 x 8 x 8     22       1,760
            nn.ReLU(),
            nn.MaxPool2d(2),                                          #   10 x 4 x 4     24
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(10, 17, kernel_size=1),                         #   17 x 4 x 4     24         187
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(17, 10, kernel_size=1),                         #   10 x 4 x 4     24         180
            nn.AdaptiveAvgPool2d(1),                                  #   10 x 1 x 1     36
            nn.Flatten(),                                             #           10     36
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
