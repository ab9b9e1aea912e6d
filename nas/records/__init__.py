"""What the study remembers of a candidate: records, the front, tables. No torch, no plotly."""

from nas.records.front import hypervolume, pareto_front
from nas.records.record import COUNTED, REJECTED, Record, State
from nas.records.verification import Run, Target, Verification, verifications

__all__ = [
    "COUNTED",
    "REJECTED",
    "Record",
    "Run",
    "State",
    "Target",
    "Verification",
    "hypervolume",
    "pareto_front",
    "verifications",
]
