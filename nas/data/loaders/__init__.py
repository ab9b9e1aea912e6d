"""`load` for each kind of data. An export gets one of these files, unchanged, as data.py.

They import nothing of nas. Each returns images (N, C, H, W) as uint8 and labels (N,) as int64.
"""
