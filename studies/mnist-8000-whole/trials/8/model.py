"""Trial 8 of study mnist-8000: 11 M 9k1 dw5 11k1 dw5 14k1 dw5/2 9k1 11k1 dw/2 6k1 dw 22k1 19k1 gap fc10

2,607 parameters (2,607 with batch norm's statistics), 285,277 multiply-accumulates,
10,780 values of activations at most at one time.
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
            nn.Conv2d(1, 11, kernel_size=3, padding=1),                       # 11 x 28 x 28      3         110
            nn.ReLU(),
            nn.Dropout2d(p=0.08),
            nn.MaxPool2d(2),                                                  # 11 x 14 x 14      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(11, 9, kernel_size=1),                                  #  9 x 14 x 14      4         108
            nn.ReLU(),
            nn.Dropout2d(p=0.08),
            nn.Conv2d(9, 9, kernel_size=5, padding=2, bias=False, groups=9),  #  9 x 14 x 14     12         225
            nn.Conv2d(9, 11, kernel_size=1),                                  # 11 x 14 x 14     12         110
            nn.ReLU(),
            nn.Dropout2d(p=0.08),
            nn.Conv2d(11, 11, kernel_size=5, padding=2, bias=False, groups=11),  # 11 x 14 x 14     20         275
            nn.Conv2d(11, 14, kernel_size=1),                                 # 14 x 14 x 14     20         168
            nn.ReLU(),
            nn.Dropout2d(p=0.08),
            nn.Conv2d(14, 14, kernel_size=5, stride=2, padding=2, bias=False, groups=14),  #   14 x 7 x 7     28         350
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(14, 9, kernel_size=1),                                  #    9 x 7 x 7     28         135
            nn.ReLU(),
            nn.Dropout2d(p=0.08),
            nn.Conv2d(9, 11, kernel_size=1),                                  #   11 x 7 x 7     28         110
            nn.ReLU(),
            nn.Dropout2d(p=0.08),
            nn.Conv2d(11, 11, kernel_size=3, stride=2, padding=1, bias=False, groups=11),  #   11 x 4 x 4     36          99
        )
        self.block4 = nn.Sequential(
            nn.Conv2d(11, 6, kernel_size=1),                                  #    6 x 4 x 4     36          72
            nn.ReLU(),
            nn.Dropout2d(p=0.08),
            nn.Conv2d(6, 6, kernel_size=3, padding=1, bias=False, groups=6),  #    6 x 4 x 4     52          54
            nn.Conv2d(6, 22, kernel_size=1),                                  #   22 x 4 x 4     52         154
            nn.ReLU(),
            nn.Dropout2d(p=0.08),
            nn.Conv2d(22, 19, kernel_size=1),                                 #   19 x 4 x 4     52         437
            nn.ReLU(),
            nn.Dropout2d(p=0.08),
        )
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),                                          #   19 x 1 x 1     76
            nn.Flatten(),                                                     #           19     76
            nn.Linear(19, 10),                                                #           10     76         200
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        x = self.block4(x)
        return self.head(x)
