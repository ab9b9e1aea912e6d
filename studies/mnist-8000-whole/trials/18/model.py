"""Trial 18 of study mnist-8000: dw/2 7k1 15k1 14 M dw 26k1 gap fc10

2,895 parameters (3,019 with batch norm's statistics), 347,959 multiply-accumulates,
4,901 values of activations at most at one time.
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
            nn.Conv2d(1, 1, kernel_size=3, stride=2, bias=False),     #  1 x 13 x 13      3           9
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(1, 7, kernel_size=1, bias=False),               #  7 x 13 x 13      3           7
            nn.BatchNorm2d(7),                                        #  7 x 13 x 13      3          14
            nn.ReLU(),
            nn.Dropout(p=0.14),
            nn.Conv2d(7, 15, kernel_size=1, bias=False),              # 15 x 13 x 13      3         105
            nn.BatchNorm2d(15),                                       # 15 x 13 x 13      3          30
            nn.ReLU(),
            nn.Dropout(p=0.14),
            nn.Conv2d(15, 14, kernel_size=3, padding=1, bias=False),  # 14 x 13 x 13      7       1,890
            nn.BatchNorm2d(14),                                       # 14 x 13 x 13      7          28
            nn.ReLU(),
            nn.Dropout(p=0.14),
            nn.MaxPool2d(2),                                          #   14 x 6 x 6      9
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(14, 14, kernel_size=3, bias=False, groups=14),  #   14 x 4 x 4     17         126
            nn.Conv2d(14, 26, kernel_size=1, bias=False),             #   26 x 4 x 4     17         364
            nn.BatchNorm2d(26),                                       #   26 x 4 x 4     17          52
            nn.ReLU(),
            nn.Dropout(p=0.14),
        )
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),                                  #   26 x 1 x 1     29
            nn.Flatten(),                                             #           26     29
            nn.Linear(26, 10),                                        #           10     29         270
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
