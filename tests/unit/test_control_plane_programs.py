"""What the command lines promise: loopback only, no secret, a managed cluster's switches."""

import stat
from pathlib import Path

import pytest
import yaml

from rehearsal.control_plane.credentials import ADAPTER_HOST, Credentials, ensure_credentials
from rehearsal.control_plane.etcd import etcd_program
from rehearsal.control_plane.keda import Keda
from rehearsal.control_plane.kubernetes import ControlPlane
from rehearsal.control_plane.ports import PORTS_OF, Ports
from rehearsal.control_plane.program import Program
from rehearsal.layout import Layout

PORTS = Ports.model_validate({name: 20000 + i for i, name in enumerate(Ports.model_fields)})
BINARY = Path("/bin/program")


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return ensure_credentials(Layout(tmp_path_factory.mktemp("state")), PORTS)


@pytest.fixture(scope="module")
def programs(credentials: Credentials) -> dict[str, Program]:
    plane, keda = ControlPlane(credentials, PORTS), Keda(credentials, PORTS)
    rendered = [
        etcd_program(BINARY, credentials, PORTS),
        plane.kube_apiserver(BINARY),
        plane.kube_controller_manager(BINARY, hpa_sync_period_s=7),
        plane.kube_scheduler(BINARY),
        keda.operator(BINARY),
        keda.adapter(BINARY),
    ]
    return {program.name: program for program in rendered}


def options(program: Program) -> dict[str, str]:
    pairs = (argument.removeprefix("--").partition("=") for argument in program.argv[1:])
    return {name: value for name, _, value in pairs}


def test_every_address_that_can_be_chosen_is_loopback(programs: dict[str, Program]) -> None:
    for program in programs.values():
        for name, value in options(program).items():
            if name.endswith("bind-address") or name.startswith("listen-"):
                assert "127.0.0.1" in value, (program.name, name)


def test_each_program_listens_on_its_own_ports(programs: dict[str, Program]) -> None:
    for program in programs.values():
        line = " ".join(program.argv)
        for port in PORTS.of(program.name):
            assert f"{port}" in line, program.name


def test_every_port_belongs_to_a_program() -> None:
    assert {name for names in PORTS_OF.values() for name in names} == set(Ports.model_fields)


def test_no_argument_or_variable_holds_a_key(
    programs: dict[str, Program], credentials: Credentials
) -> None:
    keys = [path.read_text() for path in credentials.layout.certificates.glob("*.key")]
    for program in programs.values():
        text = " ".join([*program.argv, *program.env.values()])
        assert not any(key in text for key in keys), program.name


def test_the_api_server_authorizes_aggregates_and_reaches_the_kubelet(
    programs: dict[str, Program],
) -> None:
    api = options(programs["kube-apiserver"])

    assert api["authorization-mode"] == "Node,RBAC"
    assert api["endpoint-reconciler-type"] == "none"
    assert api["requestheader-allowed-names"] == "front-proxy-client"
    assert {"proxy-client-cert-file", "kubelet-client-certificate"} <= set(api)
    # With it, the aggregator would ignore the Service's ExternalName.
    assert "enable-aggregator-routing" not in api
    assert "disable-admission-plugins" not in api


def test_the_autoscaler_looks_as_often_as_the_specification_says(
    programs: dict[str, Program],
) -> None:
    controllers = options(programs["kube-controller-manager"])

    assert controllers["horizontal-pod-autoscaler-sync-period"] == "7s"
    assert "-horizontal-pod-autoscaler-controller" not in controllers["controllers"]


def test_keda_asks_its_operator_by_the_name_in_the_certificate(
    programs: dict[str, Program],
) -> None:
    adapter, operator = options(programs["keda-adapter"]), options(programs["keda-operator"])

    assert adapter["metrics-service-grpc-authority"] == "keda-operator.keda.svc"
    assert adapter["metrics-service-address"] == operator["metrics-service-bind-address"]
    assert ADAPTER_HOST == "keda-metrics-apiserver.keda.svc"


def test_keda_trusts_the_stages_authority_only_where_it_stands_for_the_systems(
    credentials: Credentials,
) -> None:
    plain, trusting = Keda(credentials, PORTS), Keda(credentials, PORTS, trusts_stage=True)

    assert "SSL_CERT_FILE" not in plain.operator(BINARY).env
    authority = str(credentials.authority.certificate)
    assert trusting.operator(BINARY).env["SSL_CERT_FILE"] == authority


def test_a_kubeconfig_is_private_and_needs_no_other_file(credentials: Credentials) -> None:
    path = credentials.layout.kubeconfig
    document = yaml.safe_load(path.read_text())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert document["clusters"][0]["cluster"]["server"] == (
        f"https://127.0.0.1:{PORTS.kube_apiserver}"
    )
    assert set(document["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}


def test_nothing_below_the_certificates_is_readable_by_others(credentials: Credentials) -> None:
    for path in credentials.layout.certificates.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_second_start_keeps_every_file(credentials: Credentials) -> None:
    files = [path for path in credentials.layout.root.rglob("*") if path.is_file()]
    before = {path: path.stat().st_ino for path in files}

    ensure_credentials(credentials.layout, PORTS)

    assert {path: path.stat().st_ino for path in files} == before
