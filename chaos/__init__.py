"""The zero-loss campaign: faults under load, and a ledger outside the broker.

`python -m chaos` runs the fleet's worker and a stock Celery worker through the same load and the
same faults, on a real broker. What counts is written down by producers and tasks in SQLite, which
no fault touches. A campaign in which the stock worker loses nothing proves nothing, and fails.
"""
