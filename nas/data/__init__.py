"""Data sets as tensors, splits and augmentation. Importing this package does not import torch."""

from nas.data.catalogue import DATASETS, check, dataset
from nas.data.dataset import Dataset
from nas.data.files import ensure, locate, search_path

__all__ = ["DATASETS", "Dataset", "check", "dataset", "ensure", "locate", "search_path"]
