"""`fleet preview logs` and `exec`: whose pods are meant, and what they become."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from fleet import preview_commands, stack_config
from fleet.previews import inside, records
from fleet.previews.inside import Excerpt, Running, running
from fleet.previews.pods import Aim, Pods
from fleet.previews.records import Preview
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from rehearsal.node_agent.inside import Inside
from tests.unit.preview_stage import BRANCH, NAME, Telling, preview

CONFIG = preview("local")
COMMAND = ("celery", "-A", "worker_image.app", "inspect", "ping")


def pod(name: str, phase: str = "Running", *, ready: bool = True, ending: bool = False) -> Any:
    told = {"type": "Ready", "status": str(ready)}
    return {
        "metadata": {"name": name, **({"deletionTimestamp": "now"} if ending else {})},
        "spec": {"containers": [{"name": "worker"}]},
        "status": {"phase": phase, "conditions": [told]},
    }


class Cluster:
    """A stand-in for the API server, which knows one namespace and its pods."""

    def __init__(self, *pods: Any, namespace: Any = None) -> None:
        self.pods = list(pods)
        self.namespace = {"metadata": {}} if namespace is None else namespace
        self.asked: list[str] = []

    def get(self, _path: str) -> Any:
        return self.namespace or None

    def items(self, _path: str, labelSelector: str) -> list[Any]:  # noqa: N803 - Kubernetes' name
        self.asked.append(labelSelector)
        return self.pods


class Became(Exception):  # noqa: N818 - no error
    """What this program would have become."""

    def __init__(self, words: Sequence[str], environ: dict[str, str]) -> None:
        super().__init__(" ".join(words))
        self.words, self.environ = list(words), environ


@pytest.fixture(autouse=True)
def becoming(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(program: str, words: list[str], environ: dict[str, str]) -> None:
        assert program == words[0]
        raise Became(words, environ)

    monkeypatch.setattr(os, "execve", become)
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr("fleet.previews.inside.signal.signal", lambda *_: None)


def place(*, is_rehearsal: bool = False) -> Any:
    return SimpleNamespace(
        base="staging",
        is_rehearsal=is_rehearsal,
        kubectl="/bin/kubectl",
        environ={"KUBECONFIG": "k"},
        project=SimpleNamespace(rehearsal=Path("none"), stack_file=Path("none").joinpath),
    )


def up(cluster: Cluster, config: FleetConfig = CONFIG, where: Any = None) -> Running:
    pods = Pods(NAME, config, cluster)  # type: ignore[arg-type]  # a stand-in
    return Running(where or place(), NAME, config, pods)


def became(running: Running, aim: Aim, wanted: Excerpt | Sequence[str]) -> Became:
    with pytest.raises(Became) as found:
        running.logs(aim, wanted) if isinstance(wanted, Excerpt) else running.run(aim, wanted)
    return found.value


def test_logs_become_kubectls_with_the_previews_own_context_and_namespace() -> None:
    cluster = Cluster(pod("a"), pod("b"))

    found = became(up(cluster), Aim(), Excerpt(100, "10m", follow=True))

    start = ["/bin/kubectl", "--context=rehearsal", f"--namespace={NAME}", "logs"]
    assert found.words[:4] == start
    assert (
        found.words[4]
        == f"--selector=app.kubernetes.io/instance={NAME}"
        == (f"--selector={cluster.asked[0]}")
    )
    assert found.words[5:] == [
        *("--tail=100", "--max-log-requests=5", "--prefix", "--since=10m", "--follow"),
    ]
    assert found.environ == {"KUBECONFIG": "k"}


@pytest.mark.parametrize(
    ("aim", "label"),
    [
        (Aim(worker="preview"), "celery-fleet.dev/worker=preview"),
        (Aim(process="beat"), "app.kubernetes.io/component=beat"),
    ],
)
def test_logs_of_one_are_those_of_its_pods_alone_and_need_no_prefix(aim: Aim, label: str) -> None:
    found = became(up(Cluster(pod("a"))), aim, Excerpt(-1))

    assert label in found.words[4].removeprefix("--selector=").split(",")
    assert not {"--prefix", "--follow"} & set(found.words)


def test_more_pods_than_kubectl_follows_by_itself_are_followed() -> None:
    many = (pod(f"p{number}") for number in range(9))

    found = became(up(Cluster(*many)), Aim(), Excerpt(1, follow=True))
    assert "--max-log-requests=9" in found.words


def test_a_command_runs_in_a_ready_pod_of_the_only_worker() -> None:
    cluster = Cluster(pod("old", "Succeeded"), pod("begins", ready=False), pod("ready"))

    found = became(up(cluster), Aim(), COMMAND)

    assert found.words[3:] == ["exec", "--stdin", "ready", "--", *COMMAND]
    assert "celery-fleet.dev/worker=preview" in cluster.asked[0]


def test_no_command_is_a_shell_and_a_terminal_is_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = SimpleNamespace(isatty=lambda: True, flush=lambda: None)
    monkeypatch.setattr(inside, "sys", SimpleNamespace(stdin=terminal, stdout=terminal))

    found = became(up(Cluster(pod("api-1"))), Aim(process="api"), ())
    assert found.words[3:] == ["exec", "--stdin", "--tty", "api-1", "--", "sh"]


@pytest.mark.parametrize("wanted", [Excerpt(1), COMMAND])
def test_a_worker_at_zero_is_told_with_what_to_do(wanted: Excerpt | Sequence[str]) -> None:
    with pytest.raises(RehearsalError) as told:
        became(up(Cluster()), Aim(worker="preview"), wanted)

    assert told.value.what == f"worker preview of {NAME} is at zero: it has no pod now"
    assert "publish a task to one of its queues (default, scraping, labeling)" in told.value.mend
    assert "--process api" in told.value.mend


def test_pods_that_have_ended_or_end_are_named_with_their_state() -> None:
    failed = pod("a", "Failed")
    failed["status"]["reason"] = "Evicted"

    with pytest.raises(RehearsalError) as told:
        became(up(Cluster(failed, pod("b", ending=True))), Aim(), COMMAND)
    assert told.value.why == "a is Failed (Evicted), b is ending"
    assert became(up(Cluster(failed)), Aim(worker="preview"), Excerpt(1)).words[3] == "logs"


def test_a_worker_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(RehearsalError, match="its workers are preview"):
        became(up(Cluster(pod("a"))), Aim(worker="training"), Excerpt(1))


def test_of_several_workers_a_command_needs_one_named() -> None:
    workers = {"a": CONFIG.workers["preview"], "b": CONFIG.workers["preview"]}
    several = CONFIG.model_copy(update={"workers": workers})

    with pytest.raises(RehearsalError, match="there are workers a, b"):
        became(up(Cluster(pod("a-1")), several), Aim(), COMMAND)


def test_a_preview_that_does_not_exist_is_told_with_those_that_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine: Any = SimpleNamespace(previews=dict)
    for found, told in (
        ([], "there is none at all"),
        ([Preview(NAME, CONFIG.preview, CONFIG, 9, at_work=False)], f"{NAME} \\({BRANCH}\\)"),
    ):
        monkeypatch.setattr(records, "previews", lambda *_, found=found: found)
        with pytest.raises(RehearsalError, match=told):
            running(place(), engine, "preview-other-aaaaaaaa")


@pytest.mark.parametrize(
    ("namespace", "why"),
    [
        ({}, "it has no namespace"),
        ({"metadata": {"deletionTimestamp": "now"}}, "its namespace is being taken down"),
    ],
)
def test_a_preview_that_is_not_up_is_told_so(
    monkeypatch: pytest.MonkeyPatch, namespace: Any, why: str
) -> None:
    monkeypatch.setattr(stack_config, "read", lambda _: CONFIG)
    where = place()
    where.project.stack_file = lambda _: Path(__file__)
    where.cluster = lambda *_: Cluster(namespace=namespace)

    with pytest.raises(RehearsalError, match=why):
        running(where, Telling(), NAME)  # type: ignore[arg-type]  # a stand-in


def test_what_stands_behind_the_dashes_is_the_commands_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[Any] = []

    def found(*asked: Any) -> Any:
        return SimpleNamespace(run=lambda aim, command: calls.append((asked, aim, command)))

    monkeypatch.setattr(preview_commands, "_running", found)
    for line in (["exec", NAME, "--", *COMMAND], ["exec", "-w", "w", "--", "ls", "--", "-l"]):
        ended = CliRunner().invoke(preview_commands.app, line)
        assert ended.exit_code == 0, ended.output

    assert calls == [
        ((NAME, None, None), Aim(), COMMAND),
        ((None, None, None), Aim("w"), ("ls", "--", "-l")),
    ]
    both = ["exec", "-w", "w", "--process", "api"]
    assert CliRunner().invoke(preview_commands.app, both).exit_code == 2


def test_in_the_rehearsal_a_command_has_the_environment_and_folder_of_the_pods_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = Inside({"PATH": "/usr/bin:/bin", "FLEET_SAYS": "moo"}, Path("/"))
    monkeypatch.setattr(inside, "inside", lambda *_: there)
    rehearsed = up(Cluster(pod("a")), where=place(is_rehearsal=True))

    found = became(rehearsed, Aim(), ("env", "-0"))
    assert (found.words, found.environ["FLEET_SAYS"]) == (["/usr/bin/env", "-0"], "moo")
    with pytest.raises(RehearsalError, match="it is not on the pod's PATH"):
        became(rehearsed, Aim(), ("no-such-program",))
    monkeypatch.setattr(inside, "inside", lambda *_: None)
    with pytest.raises(RehearsalError, match="the pod has just ended"):
        became(rehearsed, Aim(), ("env",))
