"""Samplers and their registry; README.md describes them."""
