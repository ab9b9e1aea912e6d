"""Trial 54 of study mnist-3k-8k: 11v M dw 16k1 dw 16k1 dw 16k1 dw 22k1 dw 22k1 dw 10k1 10k1 gap,
SiLU

3,106 parameters (3,332 with batch norm's statistics), 535,223 multiply-accumulates,
9,295 values of activations at most at one time.
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
            nn.Conv2d(1, 11, kernel_size=3, bias=False),                         # 11 x 26 x 26      3          99
            nn.BatchNorm2d(11),                                                  # 11 x 26 x 26      3          22
            nn.SiLU(),
            nn.MaxPool2d(2),                                                     # 11 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(11, 11, kernel_size=3, padding=1, bias=False, groups=11),  # 11 x 13 x 13      8          99
            nn.Conv2d(11, 16, kernel_size=1, bias=False),                        # 16 x 13 x 13      8         176
            nn.BatchNorm2d(16),                                                  # 16 x 13 x 13      8          32
            nn.SiLU(),
            nn.Conv2d(16, 16, kernel_size=3, padding=1, bias=False, groups=16),  # 16 x 13 x 13     12         144
            nn.Conv2d(16, 16, kernel_size=1, bias=False),                        # 16 x 13 x 13     12         256
            nn.BatchNorm2d(16),                                                  # 16 x 13 x 13     12          32
            nn.SiLU(),
            nn.Conv2d(16, 16, kernel_size=3, padding=1, bias=False, groups=16),  # 16 x 13 x 13     16         144
            nn.Conv2d(16, 16, kernel_size=1, bias=False),                        # 16 x 13 x 13     16         256
            nn.BatchNorm2d(16),                                                  # 16 x 13 x 13     16          32
            nn.SiLU(),
            nn.Conv2d(16, 16, kernel_size=3, padding=1, bias=False, groups=16),  # 16 x 13 x 13     20         144
            nn.Conv2d(16, 22, kernel_size=1, bias=False),                        # 22 x 13 x 13     20         352
            nn.BatchNorm2d(22),                                                  # 22 x 13 x 13     20          44
            nn.SiLU(),
            nn.Conv2d(22, 22, kernel_size=3, padding=1, bias=False, groups=22),  # 22 x 13 x 13     24         198
            nn.Conv2d(22, 22, kernel_size=1, bias=False),                        # 22 x 13 x 13     24         484
            nn.BatchNorm2d(22),                                                  # 22 x 13 x 13     24          44
            nn.SiLU(),
            nn.Conv2d(22, 22, kernel_size=3, padding=1, bias=False, groups=22),  # 22 x 13 x 13     28         198
            nn.Conv2d(22, 10, kernel_size=1, bias=False),                        # 10 x 13 x 13     28         220
            nn.BatchNorm2d(10),                                                  # 10 x 13 x 13     28          20
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(10, 10, kernel_size=1),                                    # 10 x 13 x 13     28         110
            nn.AdaptiveAvgPool2d(1),                                             #   10 x 1 x 1     52
            nn.Flatten(),                                                        #           10     52
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        return self.head(x)
