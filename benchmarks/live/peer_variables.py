"""How an arm tells the stock app what its peer ships."""

LATE_ACK = "LIVE_LATE_ACK"
"""1: acknowledge when a task has ended; 0: when it begins, as Celery does unless told otherwise."""
VISIBILITY_TIMEOUT = "LIVE_VISIBILITY_TIMEOUT_SECONDS"
