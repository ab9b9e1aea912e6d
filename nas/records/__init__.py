"""What the study remembers of a candidate: records, the front, tables. No torch, no plotly."""

from nas.records.front import hypervolume, pareto_front
from nas.records.record import REJECTED, Record, State

__all__ = ["REJECTED", "Record", "State", "hypervolume", "pareto_front"]
