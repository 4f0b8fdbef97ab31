"""The sizing rules against other people's settings, by the seeded simulator.

`python -m benchmarks.model` simulates every queue of `scenarios.yaml` and of `unseen` under each
policy, with the same arrivals, and writes the table to `benchmarks/results/`.
"""
