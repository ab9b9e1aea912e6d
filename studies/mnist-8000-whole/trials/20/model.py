"""Trial 20 of study mnist-8000: 6/2 14 16/2 6k1 10k1 gap

3,076 parameters (3,160 with batch norm's statistics), 178,794 multiply-accumulates,
2,708 values of activations at most at one time.
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
            nn.Conv2d(1, 6, kernel_size=3, stride=2, bias=False),             #  6 x 13 x 13      3          54
            nn.BatchNorm2d(6),                                                #  6 x 13 x 13      3          12
            nn.ReLU(),
            nn.Dropout(p=0.02),
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(6, 14, kernel_size=3, bias=False),                      # 14 x 11 x 11      7         756
            nn.BatchNorm2d(14),                                               # 14 x 11 x 11      7          28
            nn.ReLU(),
            nn.Dropout(p=0.02),
            nn.Conv2d(14, 16, kernel_size=3, stride=2, padding=1, bias=False),  #   16 x 6 x 6     11       2,016
            nn.BatchNorm2d(16),                                               #   16 x 6 x 6     11          32
            nn.ReLU(),
            nn.Dropout(p=0.02),
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(16, 6, kernel_size=1, bias=False),                      #    6 x 6 x 6     11          96
            nn.BatchNorm2d(6),                                                #    6 x 6 x 6     11          12
            nn.ReLU(),
            nn.Dropout(p=0.02),
        )
        self.head = nn.Sequential(
            nn.Conv2d(6, 10, kernel_size=1),                                  #   10 x 6 x 6     11          70
            nn.AdaptiveAvgPool2d(1),                                          #   10 x 1 x 1     31
            nn.Flatten(),                                                     #           10     31
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
