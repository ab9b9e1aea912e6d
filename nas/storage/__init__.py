"""Optuna storages from a path or a URL: SQLite, database servers, Redis, retries.

Independent of a study's folder and settings.
"""
