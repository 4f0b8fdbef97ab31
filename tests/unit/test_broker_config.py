"""The server's files: what ElastiCache would set, and no password in clear."""

import stat
from pathlib import Path

from rehearsal.broker.account import Account, ensure_account
from rehearsal.broker.config import (
    render_access_list,
    render_config,
    render_socket_listener,
    render_tls_listener,
)
from rehearsal.control_plane.certificates import Pair

ACCOUNT = Account("fleet", "a-password")


def test_a_message_is_never_evicted_and_survives_a_restart() -> None:
    lines = render_config(Path("/data"), Path("/users.acl"), maxmemory_mib=64).splitlines()

    assert {
        "maxmemory-policy noeviction",
        "maxmemory 64mb",
        "appendonly yes",
        "appendfsync everysec",
        "protected-mode yes",
    } <= set(lines)


def test_a_server_with_tls_listens_with_tls_only() -> None:
    pair = Pair(Path("/b.crt"), Path("/b.key"))
    lines = render_tls_listener(20009, pair, Path("/ca.crt")).splitlines()

    assert {"bind 127.0.0.1", "port 0", "tls-port 20009"} <= set(lines)


def test_a_server_without_tls_listens_on_no_port() -> None:
    lines = render_socket_listener().splitlines()

    assert {"port 0", "unixsocketperm 700"} <= set(lines)


def test_a_path_with_a_blank_stays_one_word() -> None:
    text = render_config(Path("/my data"), Path("/users.acl"), maxmemory_mib=64)

    assert 'dir "/my data"\n' in text


def test_only_the_named_user_gets_in_and_its_password_is_not_in_clear() -> None:
    text = render_access_list(ACCOUNT)

    assert "user default off" in text
    assert f"user fleet on #{ACCOUNT.password_sha256} " in text
    assert ACCOUNT.password not in text
    assert " -config " in text


def test_the_password_is_kept_private_and_the_same(tmp_path: Path) -> None:
    path = tmp_path / "account.json"

    first, second = ensure_account(path), ensure_account(path)

    assert first == second
    assert first.password not in repr(first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_broken_account_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    path.write_text('{"username": "fl')

    account = ensure_account(path)

    assert account.username == "fleet"
    assert ensure_account(path) == account
