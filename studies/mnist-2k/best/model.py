"""Trial 0 of study mnist-2k: 10 M dw 15k1 dw 15k1 =dw =15k1 =dw =15k1 M dw 16k1 dw 16k1 =dw =16k1
=dw =16k1 10k1 gap, SiLU

1,903 parameters (2,171 with batch norm's statistics), 346,380 multiply-accumulates,
8,450 values of activations at most at one time.
"""

from torch import Tensor, nn

# Of the pixels, scaled to 0 to 1, that it was trained on: it takes (pixels - MEAN) / STD.
MEAN, STD = 0.13057760484193678, 0.3080140931371779


class Net(nn.Module):
    """Normalised images (N, 1, 28, 28) to outputs (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        layer9 = nn.Conv2d(15, 15, kernel_size=3, padding=1, bias=False, groups=15)
        layer10 = nn.Conv2d(15, 15, kernel_size=1, bias=False)
        layer26 = nn.Conv2d(16, 16, kernel_size=3, padding=1, bias=False, groups=16)
        layer27 = nn.Conv2d(16, 16, kernel_size=1, bias=False)
                                                                                  #       output  field  parameters
        self.block1 = nn.Sequential(
            nn.Conv2d(1, 10, kernel_size=3, bias=False),                          # 10 x 26 x 26      3          90
            nn.BatchNorm2d(10),                                                   # 10 x 26 x 26      3          20
            nn.SiLU(),
            nn.MaxPool2d(2),                                                      # 10 x 13 x 13      4
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(10, 10, kernel_size=3, padding=1, bias=False, groups=10),   # 10 x 13 x 13      8          90
            nn.Conv2d(10, 15, kernel_size=1, bias=False),                         # 15 x 13 x 13      8         150
            nn.BatchNorm2d(15),                                                   # 15 x 13 x 13      8          30
            nn.SiLU(),
            layer9,                                                               # 15 x 13 x 13     12         135
            layer10,                                                              # 15 x 13 x 13     12         225
            nn.BatchNorm2d(15),                                                   # 15 x 13 x 13     12          30
            nn.SiLU(),
            layer9,
            layer10,
            nn.BatchNorm2d(15),                                                   # 15 x 13 x 13     16          30
            nn.SiLU(),
            layer9,
            layer10,
            nn.BatchNorm2d(15),                                                   # 15 x 13 x 13     20          30
            nn.SiLU(),
            nn.MaxPool2d(2),                                                      #   15 x 6 x 6     22
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(15, 15, kernel_size=3, padding=1, bias=False, groups=15),   #   15 x 6 x 6     30         135
            nn.Conv2d(15, 16, kernel_size=1, bias=False),                         #   16 x 6 x 6     30         240
            nn.BatchNorm2d(16),                                                   #   16 x 6 x 6     30          32
            nn.SiLU(),
            layer26,                                                              #   16 x 6 x 6     38         144
            layer27,                                                              #   16 x 6 x 6     38         256
            nn.BatchNorm2d(16),                                                   #   16 x 6 x 6     38          32
            nn.SiLU(),
            layer26,
            layer27,
            nn.BatchNorm2d(16),                                                   #   16 x 6 x 6     46          32
            nn.SiLU(),
            layer26,
            layer27,
            nn.BatchNorm2d(16),                                                   #   16 x 6 x 6     54          32
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(16, 10, kernel_size=1),                                     #   10 x 6 x 6     54         170
            nn.AdaptiveAvgPool2d(1),                                              #   10 x 1 x 1     74
            nn.Flatten(),                                                         #           10     74
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
