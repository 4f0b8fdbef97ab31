"""Which cluster the provider talks to, and as whom: kubectl's rules."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider import answers, configuration
from rehearsal.plugins.kubernetes_provider.kubeconfig import Choice, access, active_cluster


def document(server: str, **user: Any) -> dict[str, Any]:
    return {
        "current-context": "a",
        "contexts": [
            {"name": "a", "context": {"cluster": "one", "user": "me", "namespace": "team"}},
            {"name": "b", "context": {"cluster": "two", "user": "me"}},
        ],
        "clusters": [
            {"name": "one", "cluster": {"server": server}},
            {"name": "two", "cluster": {"server": "https://two"}},
        ],
        "users": [{"name": "me", "user": user or {"token": "abc"}}],
    }


def test_the_current_context_decides_unless_another_is_chosen(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(document("https://one")))
    environ = {"KUBECONFIG": str(file)}

    assert access(Choice(), environ).server == "https://one"
    assert access(Choice(), environ).namespace == "team"
    assert access(Choice(context="b"), environ).server == "https://two"
    assert access(Choice(context="b"), environ).namespace == "default"
    assert access(Choice(cluster="two"), environ).server == "https://two"
    assert access(Choice(namespace="mine"), environ).namespace == "mine"


def test_the_configuration_may_hold_a_path_or_the_contents(tmp_path: Path) -> None:
    text = yaml.safe_dump(document("https://contents"))
    file = tmp_path / "config"
    file.write_text(text)

    assert access(Choice(kubeconfig=text), {}).server == "https://contents"
    assert access(Choice(kubeconfig=str(file)), {"KUBECONFIG": "/x"}).server == "https://contents"


def test_of_several_files_the_first_to_name_something_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(yaml.safe_dump({"current-context": "b"}))
    second.write_text(yaml.safe_dump(document("https://one")))

    assert access(Choice(), {"KUBECONFIG": f"{first}:{second}"}).server == "https://two"


def test_certificates_come_as_data_or_as_files_beside_the_kubeconfig(tmp_path: Path) -> None:
    data = base64.b64encode(b"KEY").decode()
    user = {"client-certificate": "me.crt", "client-key-data": data}
    (tmp_path / "me.crt").write_text("CERTIFICATE")
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(document("https://one", **user)))

    found = access(Choice(), {"KUBECONFIG": str(file)})

    assert found.client_certificate_pem == "CERTIFICATE"
    assert found.client_key_pem == "KEY"
    assert "KEY" not in repr(found)


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (Choice(), "no kubeconfig to reach a cluster with"),
        (Choice(kubeconfig="/nowhere"), "holds no clusters"),
        (Choice(kubeconfig=":\n - ]"), "is no YAML"),
        (Choice(kubeconfig=yaml.safe_dump(document("x")), context="c"), "no context 'c'"),
        (
            Choice(kubeconfig=yaml.safe_dump(document("x", **{"auth-provider": {}}))),
            "auth-provider",
        ),
    ],
)
def test_what_is_wrong_with_a_kubeconfig_is_told(choice: Choice, told: str) -> None:
    with pytest.raises(RehearsalError, match=told):
        access(choice, {"KUBECONFIG": "/nowhere/config"})


@pytest.mark.parametrize(
    ("new", "replaced"),
    [
        ({"kubeconfig": yaml.safe_dump(document("https://new"))}, ["kubeconfig"]),
        ({"kubeconfig": yaml.safe_dump(document("https://one", token="other"))}, []),
        ({"namespace": "other"}, []),
    ],
    ids=["another server", "another token", "another namespace"],
)
def test_only_another_cluster_replaces_the_objects(
    new: dict[str, object], replaced: list[str]
) -> None:
    old: dict[str, object] = {"kubeconfig": yaml.safe_dump(document("https://one"))}

    found = answers.configuration_difference(old, old | new, {})

    assert list(found.replaces) == replaced
    assert list(found.diffs) == list(new)


def test_what_the_stand_in_cannot_do_is_refused_in_the_configuration() -> None:
    with pytest.raises(RehearsalError, match="renderYamlToDirectory"):
        configuration.behaviour({"kubernetes:config:renderYamlToDirectory": "out"}, {})
    with pytest.raises(RehearsalError, match="enableServerSideApply"):
        configuration.behaviour({}, {"PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY": "false"})


def test_behaviour_is_configured_or_comes_from_the_environment() -> None:
    stated = configuration.behaviour(
        {"kubernetes:config:enableConfigMapMutable": "true"},
        {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"},
    )

    assert stated.mutability.config_maps
    assert not stated.mutability.secrets
    assert stated.upsert


def signing_in(folder: Path, printed: str, code: int = 0) -> Choice:
    """A kubeconfig whose user signs in by a program that prints this."""
    program = folder / "sign-in"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}\nEND\nexit {code}\n")
    program.chmod(0o755)
    stated = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": str(program)}
    return Choice(kubeconfig=yaml.safe_dump(document("https://one", exec=stated)))


def printed_credential(**status: str) -> str:
    kind = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential"}
    return json.dumps({**kind, "status": status})


def test_a_user_may_sign_in_through_a_program(tmp_path: Path) -> None:
    token = access(signing_in(tmp_path, printed_credential(token="drawn")), {})
    certificate = access(
        signing_in(
            tmp_path,
            printed_credential(clientCertificateData="CERTIFICATE", clientKeyData="KEY"),
        ),
        {},
    )

    assert token.token == "drawn"
    assert (certificate.client_certificate_pem, certificate.client_key_pem) == (
        "CERTIFICATE",
        "KEY",
    )


@pytest.mark.parametrize(
    ("printed", "code", "told"),
    [
        ("no JSON but a secret", 0, "printed no ExecCredential"),
        ('{"status": {"token": "secret"}}', 0, "printed no client.authentication.k8s.io"),
        ("secret", 3, "exit code 3"),
    ],
)
def test_a_program_that_does_not_sign_in_is_named_and_not_quoted(
    tmp_path: Path, printed: str, code: int, told: str
) -> None:
    with pytest.raises(RehearsalError, match=told) as error:
        access(signing_in(tmp_path, printed, code), {})

    assert "sign-in" in str(error.value)
    assert "secret" not in str(error.value)


def test_comparing_clusters_runs_no_program(tmp_path: Path) -> None:
    choice = signing_in(tmp_path, "", 1)

    assert active_cluster(choice, {}) == ("https://one", "")


def test_contents_in_json_are_no_path_however_long_their_line() -> None:
    contents = json.dumps(document("https://one", token="t" * 5000))

    assert access(Choice(kubeconfig=contents), {}).server == "https://one"
