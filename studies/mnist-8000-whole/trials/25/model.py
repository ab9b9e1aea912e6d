"""Trial 25 of study mnist-8000: dw 6k1 dw 6k1 dw/2 13k1 dw 12k1 dw 8k1 dw 13k1 M 13 6/2 10k1 gap

3,337 parameters (3,491 with batch norm's statistics), 201,848 multiply-accumulates,
7,512 values of activations at most at one time.
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
            nn.Conv2d(1, 1, kernel_size=3, bias=False),                       #  1 x 26 x 26      3           9
            nn.Conv2d(1, 6, kernel_size=1, bias=False),                       #  6 x 26 x 26      3           6
            nn.BatchNorm2d(6),                                                #  6 x 26 x 26      3          12
            nn.ReLU(),
            nn.Dropout(p=0.16),
            nn.Conv2d(6, 6, kernel_size=3, bias=False, groups=6),             #  6 x 24 x 24      5          54
            nn.Conv2d(6, 6, kernel_size=1, bias=False),                       #  6 x 24 x 24      5          36
            nn.BatchNorm2d(6),                                                #  6 x 24 x 24      5          12
            nn.ReLU(),
            nn.Dropout(p=0.16),
            nn.Conv2d(6, 6, kernel_size=3, stride=2, bias=False, groups=6),   #  6 x 11 x 11      7          54
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(6, 13, kernel_size=1, bias=False),                      # 13 x 11 x 11      7          78
            nn.BatchNorm2d(13),                                               # 13 x 11 x 11      7          26
            nn.ReLU(),
            nn.Dropout(p=0.16),
            nn.Conv2d(13, 13, kernel_size=3, padding=1, bias=False, groups=13),  # 13 x 11 x 11     11         117
            nn.Conv2d(13, 12, kernel_size=1, bias=False),                     # 12 x 11 x 11     11         156
            nn.BatchNorm2d(12),                                               # 12 x 11 x 11     11          24
            nn.ReLU(),
            nn.Dropout(p=0.16),
            nn.Conv2d(12, 12, kernel_size=3, padding=1, bias=False, groups=12),  # 12 x 11 x 11     15         108
            nn.Conv2d(12, 8, kernel_size=1, bias=False),                      #  8 x 11 x 11     15          96
            nn.BatchNorm2d(8),                                                #  8 x 11 x 11     15          16
            nn.ReLU(),
            nn.Dropout(p=0.16),
            nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False, groups=8),  #  8 x 11 x 11     19          72
            nn.Conv2d(8, 13, kernel_size=1, bias=False),                      # 13 x 11 x 11     19         104
            nn.BatchNorm2d(13),                                               # 13 x 11 x 11     19          26
            nn.ReLU(),
            nn.Dropout(p=0.16),
            nn.MaxPool2d(2),                                                  #   13 x 5 x 5     21
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(13, 13, kernel_size=3, padding=1, bias=False),          #   13 x 5 x 5     29       1,521
            nn.BatchNorm2d(13),                                               #   13 x 5 x 5     29          26
            nn.ReLU(),
            nn.Dropout(p=0.16),
            nn.Conv2d(13, 6, kernel_size=3, stride=2, padding=1, bias=False),  #    6 x 3 x 3     37         702
            nn.BatchNorm2d(6),                                                #    6 x 3 x 3     37          12
            nn.ReLU(),
            nn.Dropout(p=0.16),
        )
        self.head = nn.Sequential(
            nn.Conv2d(6, 10, kernel_size=1),                                  #   10 x 3 x 3     37          70
            nn.AdaptiveAvgPool2d(1),                                          #   10 x 1 x 1     53
            nn.Flatten(),                                                     #           10     53
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
