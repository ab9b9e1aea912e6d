"""Which candidates are not worth more epochs: limits before training, early stopping after.

Values in, verdict out: no folders, no processes.
"""
