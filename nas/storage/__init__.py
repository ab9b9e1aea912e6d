"""Optuna storages from a path or a URL: SQLite, database servers, Redis, retries.

Knows nothing of a study's folder or settings.
"""
