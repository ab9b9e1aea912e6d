"""Samplers, their registry, and what `evolution` is made of."""
