"""Ways to make a valid stack file wrong, each with the words that its refusal must hold."""

from collections.abc import Callable
from typing import Any

from tests.unit.generated import GROUPS, Stack

Break = Callable[[Stack, int], str]
"""Breaks a stack by some number from 1 to 1000; returns the key that must be told."""


def stated(path: str, value: Any = None) -> Break:
    """State a value, or the number itself, at a path; `<q>`, `<w>` and `<g>` stand for names."""

    def apply(stack: Stack, number: int) -> str:
        names = {"<q>": stack.queue, "<w>": stack.worker, "<g>": stack.group}
        parts = [names.get(part, part) for part in path.split(".")]
        place = stack.raw
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = number if value is None else value
        return ".".join(parts)

    return apply


def negative(path: str) -> Break:
    return lambda stack, number: stated(path, -number)(stack, number)


def missing(key: str) -> Break:
    def apply(stack: Stack, _: int) -> str:
        del stack.raw[key]
        return f"{key} is missing"

    return apply


def min_above_max(stack: Stack, number: int) -> str:
    stack.its_worker.update(minReplicaCount=number + 1, maxReplicaCount=number)
    stack.its_worker.pop("pollingInterval", None)
    return f"workers.{stack.worker}: minReplicaCount {number + 1} is above maxReplicaCount {number}"


def soft_not_below_hard(stack: Stack, number: int) -> str:
    stack.its_queue["softTimeLimitSeconds"] = stack.limits_s[1] + number - 1
    return f"queues.{stack.queue}: softTimeLimitSeconds"


def typical_not_below_soft(stack: Stack, number: int) -> str:
    stack.its_queue["objective"]["typicalSeconds"] = stack.limits_s[0] + number - 1
    return f"queues.{stack.queue}: objective.typicalSeconds"


def unknown_queue(stack: Stack, number: int) -> str:
    name = f"unknown-{number}"
    stack.its_worker["queues"] = [*stack.its_worker["queues"], name]
    return f"workers.{stack.worker}.queues names {name!r}"


def too_much_cpu(stack: Stack, number: int) -> str:
    cpu = str(stack.its_group["cpu"] + number)
    for side in ("requests", "limits"):
        stack.its_worker["resources"][side] = {"cpu": cpu, "memory": "1Gi"}
    return f"workers.{stack.worker}.resources.requests.cpu is {cpu}"


def too_much_memory(stack: Stack, number: int) -> str:
    memory = f"{stack.its_group['memoryMiB'] + number}Mi"
    for side in ("requests", "limits"):
        stack.its_worker["resources"][side] = {"cpu": "1", "memory": memory}
    return f"workers.{stack.worker}.resources.requests.memory is {memory}"


def too_many_gpus(stack: Stack, number: int) -> str:
    stack.its_worker["resources"]["gpu"] = GROUPS["gpu"]["gpu"] + number
    return f"workers.{stack.worker}.resources.gpu"


def limits_below_requests(stack: Stack, number: int) -> str:
    stack.its_worker["resources"]["requests"]["cpu"] = "2"
    stack.its_worker["resources"]["limits"]["cpu"] = f"{number}m"
    return f"workers.{stack.worker}.resources.limits.cpu"


def a_gpu_node_for_cpu_work(stack: Stack, _: int) -> str:
    stack.its_worker["resources"]["gpu"] = 0
    stack.its_worker["nodeGroup"] = "gpu"
    return f"workers.{stack.worker}.nodeGroup is 'gpu'"


def polled_while_warm(stack: Stack, number: int) -> str:
    stack.its_worker.update(minReplicaCount=1, maxReplicaCount=2, pollingInterval=number)
    return f"workers.{stack.worker}.pollingInterval is {number}"


def visibility_too_small(stack: Stack, number: int) -> str:
    leased = stack.raw["broker"].get("delivery", "lease") == "lease"
    seconds = min(number, 59 if leased else stack.limits_s[1])
    stack.raw["broker"]["visibilityTimeoutSeconds"] = seconds
    return f"broker.visibilityTimeoutSeconds is {seconds}"


def cap_too_small(stack: Stack, number: int) -> str:
    stack.its_worker["concurrency"] = number + 1
    stack.its_queue["maxConcurrency"] = number
    return f"queues.{stack.queue}.maxConcurrency {number}"


def grace_too_small(stack: Stack, number: int) -> str:
    stack.its_worker["terminationGracePeriodSeconds"] = min(number, stack.limits_s[1])
    return f"workers.{stack.worker}.terminationGracePeriodSeconds"


def drain_too_short(stack: Stack, number: int) -> str:
    stack.its_group["drainSeconds"] = min(number, stack.limits_s[1])
    return f"{stack.group!r} wait when they go (drainSeconds)"


def spot_nodes_for_long_tasks(stack: Stack, _: int) -> str:
    stack.its_queue.update(softTimeLimitSeconds=20_000, timeLimitSeconds=20_001)
    stack.its_group["spot"] = True
    return f"workers.{stack.worker}: grace"


def served_twice(stack: Stack, number: int) -> str:
    stack.raw["workers"][f"twin{number}"] = {"queues": [stack.queue]}
    return f"queues.{stack.queue} is served by"


def routed_twice(stack: Stack, number: int) -> str:
    route = f"same{number}.*"
    stack.its_queue["routes"] = [route]
    stack.raw["queues"][f"twin-{number}"] = {"routes": [route]}
    return f"queues.twin-{number}.routes"


def colon_in_a_queue_name(stack: Stack, number: int) -> str:
    stack.raw["queues"][f"a:{number}"] = {}
    return f"queues.a:{number}"


def long_queue_name(stack: Stack, number: int) -> str:
    name = "q" * (63 + number)
    stack.raw["queues"][name] = {}
    stack.raw["workers"]["long"] = {"queues": [name]}
    return f"queues.{name}"


def long_worker_name(stack: Stack, number: int) -> str:
    name = "w" * (47 + number)
    stack.raw["workers"][name] = stack.raw["workers"].pop(stack.worker)
    return f"workers.{name}"


def unpriced_nodes(stack: Stack, number: int) -> str:
    stack.raw["prices"] = {"another": float(number)}
    stack.its_group["instanceType"] = "m"
    return f"nodeGroups.{stack.group}.instanceType"


def solo_with_slots(stack: Stack, number: int) -> str:
    stack.its_worker.update(pool="solo", concurrency=number + 1, tasksKeepLimits=True)
    return f"workers.{stack.worker}.concurrency {number + 1}"


def threads_without_limits(stack: Stack, number: int) -> str:
    pool = ("threads", "solo")[number % 2]
    stack.its_worker.update(pool=pool, concurrency=1, tasksKeepLimits=False)
    return f"workers.{stack.worker}.pool is {pool!r}, which enforces no time limit"


def limits_kept_twice(stack: Stack, _: int) -> str:
    stack.its_worker.update(pool="prefork", tasksKeepLimits=True)
    return f"workers.{stack.worker}.tasksKeepLimits is true, without effect"


def children_of_threads(stack: Stack, number: int) -> str:
    stack.its_worker.update(pool="threads", tasksKeepLimits=True, maxTasksPerChild=number)
    return f"workers.{stack.worker}.maxTasksPerChild {number} has no effect with pool threads"


def memory_of_threads(stack: Stack, number: int) -> str:
    stack.its_worker.update(pool="threads", tasksKeepLimits=True, maxMemoryPerChildKiB=number)
    return f"workers.{stack.worker}.maxMemoryPerChildKiB {number} has no effect with pool threads"


def children_larger_than_their_pod(stack: Stack, number: int) -> str:
    stack.its_worker.update(pool="prefork", tasksKeepLimits=False, concurrency=2)
    each_kib = 4 * 1024 * 1024 + number
    stack.its_worker["maxMemoryPerChildKiB"] = each_kib
    stack.its_worker["resources"]["limits"]["memory"] = "8Gi"
    return f"workers.{stack.worker}.maxMemoryPerChildKiB is {each_kib}, which 2 pool processes"


def open_gpu_nodes(stack: Stack, number: int) -> str:
    soft = [{"key": "gpu", "effect": "PreferNoSchedule"}]
    stack.raw["nodeGroups"]["gpu"]["taints"] = soft if number % 2 else []
    return "nodeGroups.gpu has 2 GPUs a node, but taints that keep no pod off"


def rate_of_another_queues_task(stack: Stack, number: int) -> str:
    task = f"elsewhere{number}.task"
    stack.its_queue["routes"] = ["elsewhere*"]
    stack.its_queue["rateLimits"] = {task: "5/s"}
    stack.raw["queues"]["another"] = {"routes": [task]}
    return f"queues.{stack.queue}.rateLimits names {task!r}, whose route leads to queues.another"


def rated_twice(stack: Stack, number: int) -> str:
    task = f"unrouted{number}.task"
    for name in (stack.queue, "another"):
        stack.raw["queues"].setdefault(name, {})["rateLimits"] = {task: f"{number}/m"}
    return f"queues.another.rateLimits names {task!r}, as queues.{stack.queue}.rateLimits does"


def one_node_name_for_two(stack: Stack, number: int) -> str:
    stack.raw["queues"][f"new-{number}"] = {}
    shown = stack.its_worker["nodeName"] = f"worker-new-{number}"
    return f"workers.new-{number}: its nodes are called {shown}@<pod>, as those of"


def queues_that_map_to_one_worker(stack: Stack, number: int) -> str:
    stack.raw["queues"] |= {f"twin_{number}": {}, f"twin-{number}": {}}
    return f"queues.twin-{number}: no worker serves it"


BREAKS: dict[str, Break] = {
    "unknown key": stated("queus"),
    "unknown key of a queue": stated("queues.<q>.rout"),
    "unknown key of a worker": stated("workers.<w>.concurency"),
    "unknown key of a node group": stated("nodeGroups.<g>.memory"),
    "unknown key of an objective": stated("queues.<q>.objective.burst.many"),
    "a word for a number": stated("workers.<w>.concurrency", "four"),
    "a list for a number": stated("queues.<q>.timeLimitSeconds", [60]),
    "a word for a yes or no": stated("queues.<q>.priorities", "perhaps"),
    "a number for a name": stated("namespace"),
    "a word for a list": stated("workers.<w>.queues", "default"),
    "a number for a queue": stated("queues.<q>"),
    "negative concurrency": negative("workers.<w>.concurrency"),
    "negative minimum": negative("workers.<w>.minReplicaCount"),
    "negative limit": negative("queues.<q>.timeLimitSeconds"),
    "negative rate": negative("queues.<q>.objective.perHour"),
    "negative ETA": negative("queues.<q>.maxEtaSeconds"),
    "negative price": negative("prices.m"),
    "negative memory": negative("nodeGroups.<g>.memoryMiB"),
    "zero maximum": stated("workers.<w>.maxReplicaCount", 0),
    "zero cooldown": stated("workers.<w>.cooldownPeriod", 0),
    "certain quantile": stated("queues.<q>.objective.quantile", 1.0),
    "priority above ten": stated("queues.<q>.priority", 11),
    "no such class": stated("queues.<q>.class", "huge"),
    "no such tier": stated("tier", "production"),
    "no such pool": stated("workers.<w>.pool", "fibers"),
    "no such profile": stated("profile", "tiny"),
    "no such node group": stated("workers.<w>.nodeGroup", "tpu"),
    "no such maintenance queue": stated("beat.maintenanceQueue", "unknown"),
    "no such hour": stated("beat.purgeTrainingHour", 24),
    "a route with a space": stated("queues.<q>.routes", ["tasks. *"]),
    "a glob in the middle": stated("queues.<q>.routes", ["tasks.*.run"]),
    "a rate without a unit": stated("queues.<q>.rateLimits", {"a.b": "5"}),
    "memory without a unit": stated("workers.<w>.resources.requests", {"cpu": "1", "memory": "1"}),
    "a key prefix without a colon": stated("broker.keyPrefix", "pr-7"),
    "a node name with its host": stated("workers.<w>.nodeName", "worker@%h"),
    "a secret's name with a slash": stated("broker.connectionSecret.name", "platform/broker"),
    "a long namespace": stated("namespace", "n" * 64),
    "too few connections": stated("broker.maxConnections", 1),
    "more replicas than there are": stated("broker.confirmReplicas", 1),
    "everywhere": stated("queues.<q>.egress", [{"cidr": "0.0.0.0/0", "ports": [443]}]),
    "a caller of two kinds": stated(
        "networkPolicy.callers", [{"cidr": "10.0.0.0/8", "namespace": "a"}]
    ),
    "no queues": missing("queues"),
    "no broker": missing("broker"),
    "no node groups": missing("nodeGroups"),
    **{
        given.__name__: given
        for given in (
            min_above_max,
            soft_not_below_hard,
            typical_not_below_soft,
            unknown_queue,
            too_much_cpu,
            too_much_memory,
            too_many_gpus,
            limits_below_requests,
            a_gpu_node_for_cpu_work,
            polled_while_warm,
            visibility_too_small,
            cap_too_small,
            grace_too_small,
            drain_too_short,
            spot_nodes_for_long_tasks,
            served_twice,
            routed_twice,
            colon_in_a_queue_name,
            long_queue_name,
            long_worker_name,
            unpriced_nodes,
            solo_with_slots,
            threads_without_limits,
            limits_kept_twice,
            children_of_threads,
            memory_of_threads,
            children_larger_than_their_pod,
            open_gpu_nodes,
            rate_of_another_queues_task,
            rated_twice,
            one_node_name_for_two,
            queues_that_map_to_one_worker,
        )
    },
}
