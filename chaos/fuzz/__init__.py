"""Malformed messages by the ten thousand against real workers: `python -m chaos.fuzz`.

Each message is made of the run's seed and its own number alone, so that one is made again by
`--seed N --only NUMBER`.
"""
