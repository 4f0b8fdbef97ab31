"""Sizes that are derived, not stated: bounds, formula, grace, visibility timeout. Pure."""

from infra.sizing.limits import grace_period_s, visibility_timeout_s
from infra.sizing.plan import WorkerPlan, plan_worker
from infra.sizing.triggers import PRIORITY_STEPS, STEP_SEPARATOR, Trigger, pending_keys

__all__ = [
    "PRIORITY_STEPS",
    "STEP_SEPARATOR",
    "Trigger",
    "WorkerPlan",
    "grace_period_s",
    "pending_keys",
    "plan_worker",
    "visibility_timeout_s",
]
