"""Trial 16 of study mnist-8000: 6/2 13 M 10k1 gap

934 parameters (972 with batch norm's statistics), 132,444 multiply-accumulates,
3,211 values of activations at most at one time.
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
            nn.Conv2d(1, 6, kernel_size=3, stride=2, bias=False),    #  6 x 13 x 13      3          54
            nn.BatchNorm2d(6),                                       #  6 x 13 x 13      3          12
            nn.ReLU(),
            nn.Dropout(p=0.2),
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(6, 13, kernel_size=3, padding=1, bias=False),  # 13 x 13 x 13      7         702
            nn.BatchNorm2d(13),                                      # 13 x 13 x 13      7          26
            nn.ReLU(),
            nn.Dropout(p=0.2),
            nn.MaxPool2d(2),                                         #   13 x 6 x 6      9
        )
        self.head = nn.Sequential(
            nn.Conv2d(13, 10, kernel_size=1),                        #   10 x 6 x 6      9         140
            nn.AdaptiveAvgPool2d(1),                                 #   10 x 1 x 1     29
            nn.Flatten(),                                            #           10     29
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        return self.head(x)
