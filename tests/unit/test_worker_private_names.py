"""What the image uses of Celery, kombu and billiard beyond their public interfaces is there."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from billiard import pool as billiard_pool
from celery import bootsteps
from celery.app.amqp import AMQP
from celery.backends.redis import RedisBackend
from celery.concurrency.asynpool import AsynPool
from celery.concurrency.base import BasePool
from celery.concurrency.prefork import TaskPool
from celery.concurrency.thread import TaskPool as ThreadPool
from celery.worker import WorkController, state, strategy
from celery.worker.components import Pool
from celery.worker.consumer import Consumer
from celery.worker.consumer.tasks import Tasks
from celery.worker.request import Request, create_request_cls
from kombu import Connection, message
from kombu.asynchronous.timer import Timer
from kombu.common import QoS
from kombu.transport import redis, virtual
from kombu.utils.limits import TokenBucket
from kombu.utils.scheduling import round_robin_cycle

_PINNED = {"celery": "5.7.0", "kombu": "5.7.0"}
_IMAGE = Path(__file__).resolve().parents[2] / "worker_image"

# A named tuple's, documented though it begins with an underscore.
_PUBLIC = {"_replace"}

Owner = Any
# Owner, name, and its arguments after `self`.
CALLED: list[tuple[Owner, str, str]] = [
    (AMQP, "_retry_publish", "publish, *args, **kwargs"),
    (RedisBackend, "_call_task_errbacks", "request, exc, traceback"),
    (redis.Channel, "_put", "queue, message, **kwargs"),
    (redis.Channel, "_do_restore_message", "payload, exchange, routing_key, pipe, leftmost=False"),
    (redis.Channel, "_q_for_pri", "queue, pri"),
    (redis.Channel, "_brpop_start", "timeout=None"),
    (redis.Channel, "_brpop_read", "**options"),
    (redis.Channel, "_flush_brpop_reauth", ""),
    (redis.Channel, "_receive_one", "c"),
    (redis.Channel, "_deliver_fanout_message", "message, exchange"),
    (redis.Channel, "_create_client", "asynchronous=False"),
    (redis.Channel, "_connparams", "asynchronous=False"),
    (redis.Channel, "_update_queue_cycle", ""),
    (redis.GlobalKeyPrefixMixin, "_prefix_args", "args"),
    (redis.Channel, "basic_consume", "queue, *args, **kwargs"),
    (redis.Channel, "close", ""),
    (virtual.Channel, "_get_message_priority", "message, reverse=False"),
    (virtual.Channel, "_next_delivery_tag", ""),
    (virtual.Channel, "basic_consume", "queue, no_ack, callback, consumer_tag, **kwargs"),
    (virtual.Transport, "_deliver", "message, queue"),
    (redis.QoS, "append", "message, delivery_tag"),
    (redis.QoS, "ack", "delivery_tag"),
    (redis.QoS, "reject", "delivery_tag, requeue=False"),
    (redis.QoS, "restore_by_tag", "tag, client=None, leftmost=False"),
    (redis.QoS, "restore_visible", "start=0, num=10, interval=10"),
    (redis.QoS, "restore_unacked", "client=None"),
    (redis.QoS, "pipe_or_acquire", "pipe=None, client=None"),
    (virtual.QoS, "append", "message, delivery_tag"),
    (virtual.QoS, "ack", "delivery_tag"),
    (redis.MultiChannelPoller, "on_readable", "fileno"),
    (redis.MultiChannelPoller, "_pause_brpop", "channel, fileno"),
    (redis.MultiChannelPoller, "maybe_restore_messages", ""),
    (round_robin_cycle, "update", "it"),
    (round_robin_cycle, "rotate", "last_used"),
    (Consumer, "on_close", ""),
    (Consumer, "on_connection_error_after_connected", "exc"),
    (Consumer, "ensure_connected", "conn"),
    (Consumer, "create_task_handler", "promise=promise"),
    (Consumer, "on_decode_error", "message, exc"),
    (Consumer, "on_unknown_message", "body, message"),
    (Consumer, "on_unknown_task", "body, message, exc"),
    (Consumer, "on_invalid_task", "body, message, exc"),
    (Consumer, "call_soon", "p, *args, **kwargs"),
    (WorkController, "_process_task", "req"),
    (BasePool, "apply_async", "target, args=None, kwargs=None, **options"),
    (Request, "on_accepted", "pid, time_accepted"),
    (Timer, "call_after", "secs, fun, args=(), kwargs=None, priority=0"),
    (Timer, "cancel", "tref"),
    (QoS, "decrement_eventually", "n=1"),
    (Tasks, "start", "c"),
    (Tasks, "stop", "c"),
    (bootsteps.StartStopStep, "stop", "parent"),
    (billiard_pool.ApplyResult, "discard", ""),
    (billiard_pool.ApplyResult, "ready", ""),
    (AsynPool, "flush", ""),
    (AsynPool, "_flush_writer", "proc, writer"),
    (
        ThreadPool,
        "on_apply",
        "target, args=None, kwargs=None, callback=None, accept_callback=None, **_",
    ),
    (
        RedisBackend,
        "_store_result",
        "task_id, result, state, traceback=None, request=None, **kwargs",
    ),
    (
        RedisBackend,
        "_get_result_meta",
        "result, state, traceback, request, format_date=True, encode=False",
    ),
    (billiard_pool.Worker, "_ensure_messages_consumed", "completed"),
]
# Attributes of classes and modules.
STORED: list[tuple[Owner, str]] = [
    (redis.Channel, "_in_poll"),
    (redis.Channel, "_brpop_sent_at"),
    (redis.Channel, "from_transport_options"),
    (redis.Channel, "unacked_restore_interval"),
    (virtual.Channel, "do_restore"),
    (virtual.QoS, "_delivered"),
    (virtual.QoS, "_dirty"),
    (billiard_pool.ApplyResult, "_scheduled_for"),
    (billiard_pool.ApplyResult, "_write_to"),
    (billiard_pool, "GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT"),
    (billiard_pool, "GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL"),
    (state, "requests"),
    (state, "active_requests"),
    (state, "reserved_requests"),
    (state, "scheduled_requests"),
    (state, "task_reserved"),
    (state, "should_stop"),
    (state, "should_terminate"),
    (Request, "_apply_result"),
    (Request, "_eta_timer_entry"),
    (Request, "task"),
    (BasePool, "is_green"),
    (Request, "message"),
    (message.Message, "channel"),
]


def made() -> dict[str, Any]:
    """Things whose attributes come to be as they are made, by the name of what is asked."""
    transport = Connection("redis://").transport
    cache: dict[int, Any] = {}
    job = billiard_pool.ApplyResult(cache, None)
    raw = {"properties": {"delivery_tag": "1"}}
    return {
        "_fd_to_chan": transport.cycle,
        "_paused_brpop": transport.cycle,
        "_channels": transport.cycle,
        "_raw": virtual.Message(raw),
        "_cache": job,
        "_job": job,
        "_accepted": job,
        "contents": TokenBucket(1),
        "items": round_robin_cycle(),
    }


def told(name: str) -> str:
    pins = ", ".join(f"{package} {version(package)}" for package in (*_PINNED, "billiard"))
    return f"{name} is not as worker_image uses it ({pins}): read its code again before the bump"


def plain(owner: Owner, name: str) -> str:
    """A function's arguments without `self`, annotations and the values of other modules."""
    found = inspect.signature(getattr(owner, name))
    arguments = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    text = str(found.replace(parameters=arguments[1:], return_annotation=found.empty))
    return "promise=promise" if "promise=" in text else text[1:-1]


@pytest.mark.parametrize(("package", "pinned"), _PINNED.items())
def test_the_release_is_the_one_whose_private_names_were_read(package: str, pinned: str) -> None:
    assert version(package) == pinned, told(package)


@pytest.mark.parametrize(("owner", "name", "arguments"), CALLED)
def test_what_is_called_or_overridden_takes_the_same_arguments(
    owner: Owner, name: str, arguments: str
) -> None:
    where = f"{owner.__module__}.{owner.__name__}.{name}"
    assert hasattr(owner, name), told(where)
    assert plain(owner, name) == arguments, told(where)


@pytest.mark.parametrize(("owner", "name"), STORED)
def test_what_is_read_or_set_is_there(owner: Owner, name: str) -> None:
    assert hasattr(owner, name), told(f"{owner.__name__}.{name}")


@pytest.mark.parametrize("name", sorted(made()))
def test_what_is_made_has_what_is_read(name: str) -> None:
    assert hasattr(made()[name], name), told(name)


@pytest.mark.parametrize("name", ["_expires", "_queue_cycle", "handlers", "brpop_timeout"])
def test_what_a_channel_makes_as_it_opens_is_there(name: str) -> None:
    assert f"self.{name} = " in inspect.getsource(redis.Channel.__init__), told(name)


def test_a_pool_that_is_flushed_forgets_only_its_cache() -> None:
    """What `Carried` puts back afterwards; the pool keeps no other account of a job."""
    source = inspect.getsource(AsynPool.flush)

    assert "job.discard()" in source, told("AsynPool.flush")
    assert "_cache.pop" in inspect.getsource(billiard_pool.ApplyResult.discard), told("discard")


@pytest.mark.parametrize("name", ["_busy_workers", "_all_inqueues", "outbound_buffer"])
def test_what_a_pool_makes_as_it_starts_is_there(name: str) -> None:
    assert f"self.{name} = " in inspect.getsource(AsynPool.__init__), told(name)


def test_a_pool_of_processes_notes_what_still_writes_a_job() -> None:
    assert "self._pool = " in inspect.getsource(TaskPool.on_start), told("TaskPool._pool")
    source = inspect.getsource(AsynPool._create_write_handlers)
    assert "job._writer = ref(" in source, told("ApplyResult._writer")


def test_a_request_is_handed_to_its_pool_as_the_image_takes_it_there() -> None:
    """By the pool's method of that moment, with a request's own method among its arguments."""
    source = inspect.getsource(create_request_cls)
    assert "apply_async = pool.apply_async" in source, told("create_request_cls")
    assert "accept_callback=self.on_accepted" in source, told("create_request_cls")
    assert "consumer.pool" in inspect.getsource(strategy.default), told("strategy.default")
    assert "w._quick_release = w.semaphore.release" in inspect.getsource(Pool.create), told("Pool")


def foreign(tree: ast.AST) -> Iterator[str]:
    """Private names that are taken of something else than `self`, a class or a module of ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.match("_(?!_)", node.attr):
            taken_of = node.value.id if isinstance(node.value, ast.Name) else ""
            if taken_of not in {"self", "cls"} and node.attr not in _PUBLIC:
                yield node.attr


def test_every_private_name_that_the_image_uses_is_listed_here() -> None:
    known = {name for _, name, *_ in CALLED} | {name for _, name in STORED} | set(made())
    known |= {"_busy_workers", "_all_inqueues", "_pool"}
    used = {name for file in _IMAGE.rglob("*.py") for name in foreign(ast.parse(file.read_text()))}

    assert used - known == set()
