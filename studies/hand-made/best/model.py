"""Trial 12 of study hand-made: 10 16 M 18 10 M 10k7v, dropout 0.1

10,814 parameters (10,922 with batch norm's statistics), 2,029,972 multiply-accumulates,
20,384 values of activations at most at one time.
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
            nn.Conv2d(1, 10, kernel_size=3, padding=1),   # 10 x 28 x 28      3         100
            nn.ReLU(),
            nn.BatchNorm2d(10),                           # 10 x 28 x 28      3          20
            nn.Dropout(p=0.1),
            nn.Conv2d(10, 16, kernel_size=3, padding=1),  # 16 x 28 x 28      5       1,456
            nn.ReLU(),
            nn.BatchNorm2d(16),                           # 16 x 28 x 28      5          32
            nn.Dropout(p=0.1),
            nn.MaxPool2d(2),                              # 16 x 14 x 14      6
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(16, 18, kernel_size=3, padding=1),  # 18 x 14 x 14     10       2,610
            nn.ReLU(),
            nn.BatchNorm2d(18),                           # 18 x 14 x 14     10          36
            nn.Dropout(p=0.1),
            nn.Conv2d(18, 10, kernel_size=3, padding=1),  # 10 x 14 x 14     14       1,630
            nn.ReLU(),
            nn.BatchNorm2d(10),                           # 10 x 14 x 14     14          20
            nn.Dropout(p=0.1),
            nn.MaxPool2d(2),                              #   10 x 7 x 7     16
        )
        self.head = nn.Sequential(
            nn.Conv2d(10, 10, kernel_size=7),             #   10 x 1 x 1     40       4,910
            nn.Flatten(),                                 #           10     40
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        return self.head(x)
