"""Scale-ins while tasks run: whether any task is lost, or runs twice.

`python -m benchmarks.scale_in --rounds 200` works on a fleet that `fleet up` has brought up. It
pauses one worker's scaler, keeps its queue full, and takes replica after replica away as an HPA
would, through the Deployment's `scale`. Whom that hits is the ReplicaSet's choice, and every slot
of every pod is busy. Each task's effect is its result and one count in the broker's statistics.
"""
