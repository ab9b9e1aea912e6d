"""What the study remembers of a candidate: records, the front, tables, verification.

This module needs neither torch nor Optuna. `trials`, which reads and writes records in Optuna's
trials, and `ledger` need Optuna, so they are imported by their own names.
"""

from nas.records.front import hypervolume, pareto_front
from nas.records.point import Point
from nas.records.record import COUNTED, REJECTED, Record, State
from nas.records.verification import Run, Target, Verification, verifications

__all__ = [
    "COUNTED",
    "REJECTED",
    "Point",
    "Record",
    "Run",
    "State",
    "Target",
    "Verification",
    "hypervolume",
    "pareto_front",
    "verifications",
]
