"""The stand-in for ElastiCache's users, when a program changes several at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import pytest

from rehearsal.cloud import cache_users
from rehearsal.cloud.calls import Request
from rehearsal.cloud.elasticache import GROUPS
from rehearsal.cloud.store import STORE, Refusal

REGION, OLD, NEW = "eu-test-1", "o" * 16, "n" * 16
Users = dict[str, tuple[str, list[str]]]


@dataclass
class SlowBroker:
    """Keeps the first change back for as long as another one might overtake it."""

    told: list[Users] = field(default_factory=list)
    first: Event = field(default_factory=Event)
    second: Event = field(default_factory=Event)

    def set_users(self, users: Users) -> None:
        if self.first.is_set():
            self.told.append(users)
            self.second.set()
            return
        self.first.set()
        self.second.wait(0.5)
        self.told.append(users)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowBroker]:
    STORE.clear()
    for name in ("default", "blue"):
        cache_users.create_user(asked(UserId=name, UserName=name, Passwords=[OLD]))
    cache_users.create_user_group(asked(UserGroupId="all", UserIds=["default", "blue"]))
    group: dict[str, object] = {"UserGroupIds": ["all"]}
    STORE.add(REGION, GROUPS, "broker", group, Refusal("Exists", "broker"))
    slow = SlowBroker()
    monkeypatch.setattr(cache_users, "BROKER", slow)
    yield slow
    STORE.clear()


def asked(**parameters: object) -> Request:
    return Request("123456789012", REGION, {"AccessString": "on ~* +@all", **parameters})


def test_of_two_users_changed_at_once_the_server_keeps_both_changes(broker: SlowBroker) -> None:
    with ThreadPoolExecutor(2) as calls:
        calls.submit(cache_users.modify_user, asked(UserId="default", Passwords=[NEW]))
        broker.first.wait(5)
        calls.submit(cache_users.modify_user, asked(UserId="blue", Passwords=[NEW]))

    assert len(broker.told) == 2
    assert [secrets for _, secrets in broker.told[-1].values()] == [[NEW], [NEW]]


@dataclass
class Doors:
    """Who may log in, as the real server would be told."""

    open: set[str] = field(default_factory=set)

    def set_users(self, users: Users) -> None:
        self.open |= users.keys()

    def drop_users(self, names: list[str]) -> None:
        self.open -= set(names)


@pytest.fixture
def doors(broker: SlowBroker, monkeypatch: pytest.MonkeyPatch) -> Doors:
    """Of the same group, with a user that another stack made."""
    assert not broker.told
    made = Doors({"default", "blue"})
    monkeypatch.setattr(cache_users, "BROKER", made)
    cache_users.create_user(asked(UserId="guest", UserName="guest", Passwords=[OLD]))
    return made


def change(**parameters: object) -> object:
    return cache_users.modify_user_group(asked(UserGroupId="all", **parameters))["UserIds"]


def test_who_joins_a_group_may_log_in_and_who_leaves_it_may_not(doors: Doors) -> None:
    assert change(UserIdsToAdd=["guest"]) == ["default", "blue", "guest"]
    assert doors.open == {"default", "blue", "guest"}
    with pytest.raises(Refusal, match="is in a user group"):
        cache_users.delete_user(asked(UserId="guest"))

    assert change(UserIdsToRemove=["guest"]) == ["default", "blue"]
    assert doors.open == {"default", "blue"}
    cache_users.delete_user(asked(UserId="guest"))


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"UserIdsToAdd": ["blue"]}, "blue is a member of user group all"),
        ({"UserIdsToRemove": ["guest"]}, "guest is not a member of user group all"),
        ({"UserIdsToAdd": ["twin"]}, "several users with the user name blue"),
    ],
)
def test_a_change_of_members_that_elasticache_refuses_changes_nothing(
    doors: Doors, wanted: dict[str, list[str]], says: str
) -> None:
    cache_users.create_user(asked(UserId="twin", UserName="blue", Passwords=[OLD]))

    with pytest.raises(Refusal, match=says):
        change(**wanted)
    assert doors.open == {"default", "blue"}
