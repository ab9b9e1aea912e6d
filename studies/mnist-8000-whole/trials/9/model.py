"""Trial 9 of study mnist-8000: 21 7k1 6k5 A dw 6k1 M dw 9k1 dw5 25k1 10k2

3,192 parameters (3,340 with batch norm's statistics), 958,834 multiply-accumulates,
18,928 values of activations at most at one time.
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
            nn.Conv2d(1, 21, kernel_size=3, bias=False),                      # 21 x 26 x 26      3         189
            nn.BatchNorm2d(21),                                               # 21 x 26 x 26      3          42
            nn.SiLU(),
            nn.Conv2d(21, 7, kernel_size=1, bias=False),                      #  7 x 26 x 26      3         147
            nn.BatchNorm2d(7),                                                #  7 x 26 x 26      3          14
            nn.SiLU(),
            nn.Conv2d(7, 6, kernel_size=5, padding=2, bias=False),            #  6 x 26 x 26      7       1,050
            nn.BatchNorm2d(6),                                                #  6 x 26 x 26      7          12
            nn.SiLU(),
            nn.AvgPool2d(2),                                                  #  6 x 13 x 13      8
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(6, 6, kernel_size=3, padding=1, bias=False, groups=6),  #  6 x 13 x 13     12          54
            nn.Conv2d(6, 6, kernel_size=1, bias=False),                       #  6 x 13 x 13     12          36
            nn.BatchNorm2d(6),                                                #  6 x 13 x 13     12          12
            nn.SiLU(),
            nn.MaxPool2d(2),                                                  #    6 x 6 x 6     14
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(6, 6, kernel_size=3, padding=1, bias=False, groups=6),  #    6 x 6 x 6     22          54
            nn.Conv2d(6, 9, kernel_size=1, bias=False),                       #    9 x 6 x 6     22          54
            nn.BatchNorm2d(9),                                                #    9 x 6 x 6     22          18
            nn.SiLU(),
            nn.Conv2d(9, 9, kernel_size=5, bias=False, groups=9),             #    9 x 2 x 2     38         225
            nn.Conv2d(9, 25, kernel_size=1, bias=False),                      #   25 x 2 x 2     38         225
            nn.BatchNorm2d(25),                                               #   25 x 2 x 2     38          50
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Conv2d(25, 10, kernel_size=2),                                 #   10 x 1 x 1     42       1,010
            nn.Flatten(),                                                     #           10     42
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.block1(images)
        x = self.block2(x)
        x = self.block3(x)
        return self.head(x)
