"""The fewest replicas that keep a promise without scaling, found by trying them on the test itself.

No policy: nobody knows the tasks beforehand. It is what a fixed number costs at least.
"""

import time

from benchmarks.model.case import Case
from benchmarks.model.contenders import fixed
from benchmarks.model.runs import Job, Run, Store, run
from benchmarks.model.verdict import Standing, standing


def fewest(one: Case, seeds: int, store: Store, until_s: float) -> Standing | None:
    """How the fewest replicas stand that keep the promise, or ample ones where none does.

    None once the monotonic clock shows `until_s`; the store has what was tried.
    """
    low, high = 1, one.ample_replicas
    while low < high:
        if time.monotonic() > until_s:
            return None
        middle = (low + high) // 2
        if _standing(one, middle, seeds, store).keeps:
            high = middle
        else:
            low = middle + 1
    return _standing(one, low, seeds, store)


def _standing(one: Case, replicas: int, seeds: int, store: Store) -> Standing:
    runs = [_carried_out(Job(one, fixed(replicas), seed), store) for seed in range(seeds)]
    return standing(one, runs)


def _carried_out(job: Job, store: Store) -> Run:
    key = job.key
    done = store.get(key)
    if done is None:
        done = run(job)
        store.add(key, done)
    return done
