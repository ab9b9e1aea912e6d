"""Start, supervise, replace and stop the workers of a search."""
