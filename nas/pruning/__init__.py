"""Reject candidates: cost limits before training, early stopping during it.

Pure functions of their arguments: no folders, no processes.
"""
