"""Strategies for the decisions of a run about order, one in each module."""

from pytest_durable.schedules.base import FollowingSchedule, InformedSchedule, Kind, Schedule, Situation
from pytest_durable.schedules.exhaustive import ExhaustiveSearch
from pytest_durable.schedules.in_order import InOrder
from pytest_durable.schedules.pct import Pct
from pytest_durable.schedules.picks import Picks
from pytest_durable.schedules.seeded import Seeded

__all__ = [
    "ExhaustiveSearch",
    "FollowingSchedule",
    "InOrder",
    "InformedSchedule",
    "Kind",
    "Pct",
    "Picks",
    "Schedule",
    "Seeded",
    "Situation",
]
