"""Our settings and others' on real KEDA, a real HPA, a real broker and real Celery workers.

`python -m benchmarks.live` runs each policy in turn on one rehearsal, on the same recorded
arrivals, in blocks of random order, and writes paired ratios to `benchmarks/results/`. Time is
scaled: every second that a setting states is divided by the scenario's factor, for all alike.
"""
