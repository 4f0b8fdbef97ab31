"""What a base's tasks wait beside a preview that has gone wild on the same broker.

`python -m benchmarks.wild` starts a broker, and for each of two stacks a worker and a janitor, as
their pods would run them, without TLS. The base's canary tasks come at a fixed rate, first in
quiet, then beside each way to go wild: 100,000 messages pushed past the image, 100,000 sent by it,
a task that sends two of itself, and the removal of all that. No quota bounds the preview's CPU
here, as one does in a cluster: what shares the base's cores slows it, too.
"""
