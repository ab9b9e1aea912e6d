"""Files of an export that stand alone: they import torch, and what torchvision brings, alone.

`nas.export.python` copies them. `from nas... import function` in `train.py` is replaced by that
function's source, and constants by the study's values, so each exists once and can be checked here.
"""
