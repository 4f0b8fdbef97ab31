"""What each user of the broker is given; that a server heeds it, the rehearsal shows."""

import re
from fnmatch import fnmatchcase

import pytest
from celery.events.event import event_exchange
from hypothesis import given
from hypothesis import strategies as st
from kombu.pidbox import Mailbox
from kombu.transport.redis import Channel
from pydantic import TypeAdapter

from infra.manifests.aws import access_strings
from infra.models.broker import KeyPrefix
from tests.unit.aws_stage import changed, opened, rendered, stack

QUEUES = {"default": False, "labeling": True}
PREFIX = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}:", fullmatch=True)


def granted(access: str, sign: str) -> set[str]:
    """Patterns of keys (`~`) or channels (`&`), those of selectors included."""
    return set(re.findall(rf"(?<![^ (]){re.escape(sign)}([^ )]+)", access))


def selectors(access: str) -> dict[str, set[str]]:
    """Commands by pattern of the selectors."""
    found: dict[str, set[str]] = {}
    for selector in re.findall(r"\(([^)]*)\)", access):
        words = selector.split()
        commands = {word[1:] for word in words if word.startswith("+")}
        for word in words:
            if word[0] in "~&":
                found.setdefault(word, set()).update(commands)
    return found


@given(PREFIX, PREFIX.filter(lambda prefix: len(prefix) > 1), st.text(max_size=20))
def test_no_user_of_a_stack_is_given_a_key_or_channel_of_another_one(
    mine: str, other: str, name: str
) -> None:
    TypeAdapter(KeyPrefix).validate_python(mine)
    if mine == other:
        return

    for access in access_strings.guest(mine, QUEUES, [other]).values():
        for pattern in granted(access, "~") | granted(access, "&"):
            assert pattern.startswith(mine)
            assert not fnmatchcase(f"{other}{name}", pattern)
            assert not fnmatchcase(name.replace(":", ""), pattern)


def test_patterns_that_kombu_subscribes_to_are_given_word_for_word() -> None:
    fanout = "a:" + Channel.keyprefix_fanout.format(db=0)
    control = Mailbox("celery", type="fanout").exchange.name
    patterns = granted(access_strings.fleet("a:"), "&")

    wanted = (control, *(f"{event_exchange.name}/{kind}" for kind in ("*", "worker.*", "task.*")))
    assert patterns == {"a:*", *(f"{fanout}{name}" for name in wanted)}


def test_without_a_prefix_the_fleet_has_all_keys_and_channels() -> None:
    access = access_strings.fleet("").split()

    assert {"~*", "&*"} <= set(access)


def test_what_stops_a_server_or_touches_others_is_denied_after_all_that_is_allowed() -> None:
    words = access_strings.fleet("a:").split()
    last = max(at for at, word in enumerate(words) if word.startswith("+@"))

    denied = ("-@dangerous", "-@admin", "-@hyperloglog", "-function", "-pubsub")
    assert all(words.index(word) > last for word in denied)
    assert "+@scripting" not in words


def test_a_producer_adds_to_declared_queues_and_reads_no_list() -> None:
    may = selectors(access_strings.producer("a:", QUEUES))

    lists = {"~a:default", "~a:default:?", "~a:labeling", "~a:labeling.*"}
    assert {key for key, commands in may.items() if "lpush" in commands} == lists
    assert all(may[key] == {"lpush", "llen"} for key in lists)
    assert {key for key, commands in may.items() if "publish" in commands} == {
        "&a:/0.celeryev/task.sent"
    }
    assert {key for key, commands in may.items() if "del" in commands} == {
        "~a:celery-taskset-meta-*"
    }
    everything = set().union(*may.values())
    assert everything.isdisjoint({"brpop", "rpop", "lrange", "lrem", "unlink", "psubscribe"})


def test_a_producer_has_no_key_beside_those_of_its_selectors() -> None:
    root = re.sub(r"\([^)]*\)", "", access_strings.producer("a:", QUEUES)).split()

    assert not [word for word in root if word[0] in "~%&"]
    assert [word for word in root if word.startswith("+")] == [
        *("+@connection", "+multi", "+exec", "+discard")
    ]


@pytest.mark.parametrize(
    ("mine", "others", "reason"),
    [
        ("", ["b:"], "broker.keyPrefix is '' for a stack that shares its broker"),
        ("a:", ["", "b:"], "broker.keyPrefix is '' for a stack that shares its broker"),
        ("a:", ["b:", "a:"], "broker.keyPrefix 'a:' is another stack's on this broker"),
    ],
)
def test_stacks_that_could_not_be_told_apart_are_refused(
    mine: str, others: list[str], reason: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        access_strings.guest(mine, QUEUES, others)


def test_the_stacks_own_queues_are_those_that_producers_send_to() -> None:
    prod = stack("prod")
    access = prod.of("User")["broker-producer"].inputs["accessString"]

    given_lists = {key for key, may in selectors(access).items() if "lpush" in may}
    assert {f"~{queue}" for queue in prod.config.queues} <= given_lists


def test_producers_find_address_login_and_prefix_in_a_secret_of_their_own() -> None:
    broker = stack("staging").config.broker.model_dump(by_alias=True) | {"keyPrefix": "s:"}
    found = rendered(changed("staging", broker=broker))

    secret = opened(found.of("Secret")["broker-producer"].inputs["stringData"])
    assert (secret["username"], secret["password"]) == ("producer", "drawn-broker-producer")
    assert secret["keyPrefix"] == "s:"
    fleets = opened(found.of("Secret")["broker"].inputs["stringData"])
    assert set(secret) == {*fleets, "keyPrefix"}
    assert secret["brokerUrl"].startswith("rediss://producer:drawn-broker-producer@")
    needs = found.before(found.of("Secret")["broker-producer"].urn)
    assert found.of("User")["broker-producer"].urn in needs


def test_a_new_password_of_producers_changes_no_other_login() -> None:
    broker = stack("staging").config.broker.model_dump(by_alias=True)
    found = rendered(changed("staging", broker={**broker, "credentials": {"producer": 2}}))

    before = stack("staging").of("RandomPassword")
    assert {
        name
        for name, each in found.of("RandomPassword").items()
        if each.inputs["keepers"] != before[name].inputs["keepers"]
    } == {"broker-producer"}
