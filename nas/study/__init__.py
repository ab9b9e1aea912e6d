"""A study on disk: its settings, folder, candidate files and starting architectures."""
