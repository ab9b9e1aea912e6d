"""Trial 13 of study mnist-8000: 7 M dw/2 10k1 fc10

5,123 parameters (5,123 with batch norm's statistics), 54,005 multiply-accumulates,
5,915 values of activations at most at one time.
"""

from torch import Tensor, nn

# Of the pixels, scaled to 0 to 1, that it was trained on: it takes (pixels - MEAN) / STD.
MEAN, STD = 0.13057760484193678, 0.3080140931371779


class Net(nn.Module):
    """Normalised images (N, 1, 28, 28) to outputs (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
                                                                              #      output  field  parameters
        self.block1 = nn.Sequential(
            nn.Conv2d(1, 7, kernel_size=3),                                   # 7 x 26 x 26      3          70
            nn.ReLU(),
            nn.MaxPool2d(2),                                                  # 7 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(7, 7, kernel_size=3, stride=2, padding=1, bias=False, groups=7),  #   7 x 7 x 7      8          63
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(7, 10, kernel_size=1),                                  #  10 x 7 x 7      8          80
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Flatten(),                                                     #         490     32
            nn.Linear(490, 10),                                               #          10     32       4,910
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
