"""Which server is taken: one on PATH only if it was seen to speak TLS."""

from pathlib import Path

import pytest

from rehearsal.broker import server
from rehearsal.broker.server import find_server

WITH_TLS = "# No tls-cert-file configured!\n# Failed to configure TLS. Check logs for more info.\n"
WITHOUT_TLS = "# Missing implement of connection type tls\n# Failed finding TLS support.\n"
TOO_OLD = "*** FATAL CONFIG FILE ERROR ***\nBad directive or wrong number of arguments\n"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """What the programs of this folder say when they are tried, by name."""
    answers: dict[str, str] = {}

    def output(path: Path, arguments: list[str], stdin: str = "") -> str:
        if arguments == ["--version"]:
            family = path.name.partition("-")[0].capitalize()
            return f"{family} server v=7.0.15 sha=0 bits=64"
        assert "tls-port" in stdin
        return answers[path.name]

    packaged = tmp_path / "valkey-packaged"
    answers[packaged.name] = WITHOUT_TLS
    monkeypatch.setattr(server, "_output", output)
    monkeypatch.setattr(server, "_packaged_paths", lambda: [packaged])
    return answers


def put(folder: Path, name: str) -> None:
    (folder / name).touch(mode=0o755)


def test_a_server_with_tls_on_the_path_is_taken(tmp_path: Path, said: dict[str, str]) -> None:
    put(tmp_path, "redis-server")
    said["redis-server"] = WITH_TLS

    found = find_server(str(tmp_path))

    assert (found.path.name, found.tls, found.data_name) == ("redis-server", True, "redis-7")


@pytest.mark.parametrize("answer", [WITHOUT_TLS, TOO_OLD, ""])
def test_a_server_without_tls_is_passed_over(
    tmp_path: Path, said: dict[str, str], answer: str
) -> None:
    put(tmp_path, "redis-server")
    said["redis-server"] = answer

    assert find_server(str(tmp_path)).path.name == "valkey-packaged"


def test_the_second_name_is_tried_when_the_first_speaks_no_tls(
    tmp_path: Path, said: dict[str, str]
) -> None:
    put(tmp_path, "redis-server")
    put(tmp_path, "valkey-server")
    said |= {"redis-server": WITHOUT_TLS, "valkey-server": WITH_TLS}

    assert find_server(str(tmp_path)).path.name == "valkey-server"


@pytest.mark.usefixtures("said")
def test_the_packaged_server_is_called_a_stand_in_with_its_endpoint(tmp_path: Path) -> None:
    found = find_server(str(tmp_path))

    assert not found.tls
    assert "TLS endpoint stand-in" in str(found)
