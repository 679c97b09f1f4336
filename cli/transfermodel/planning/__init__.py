"""What a run would cost and what may go wrong in it, before anything is spent."""

from transfermodel.planning.plan import plan, plan_document
from transfermodel.planning.types import Advice, Download, InCluster, Plan

__all__ = ["Advice", "Download", "InCluster", "Plan", "plan", "plan_document"]
