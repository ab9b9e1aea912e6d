"""Records of a study's candidates: the front, tables, verification.

This package imports neither torch nor Optuna. `trials`, which reads and writes records in Optuna's
trials, and `ledger` do, so they are imported as modules.
"""

from nas.records.front import hypervolume, non_dominated, pareto_front
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
    "non_dominated",
    "pareto_front",
    "verifications",
]
