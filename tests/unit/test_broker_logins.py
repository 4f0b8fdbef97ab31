"""A broker of others may give KEDA and redis_exporter logins that can do less than the fleet's."""

from base64 import b64encode
from typing import Any

import pytest

from infra.manifests.broker import lesser_secret
from infra.models.fleet import FleetConfig
from tests.unit.recorder import CONNECTION, Recorder, imagineer, render

KEDA = {"namespace": "data", "name": "counts"}
READS = {"namespace": "data", "name": "reads"}


def fleet(**broker: Any) -> FleetConfig:
    stated = {**imagineer().broker.model_dump(by_alias=True), **broker}
    return imagineer(broker=stated, monitoring={"kind": "existing", "redisExporter": True})


def referred(found: Recorder) -> tuple[set[str], set[str]]:
    """Secrets that KEDA's triggers and redis_exporter's environment name."""
    trigger = found.of_kind("TriggerAuthentication")["broker"]["spec"]["secretTargetRef"]
    pod = found.of_kind("Deployment")["redis-exporter"]["spec"]["template"]["spec"]
    read = [each["valueFrom"] for each in pod["containers"][0]["env"] if "valueFrom" in each]
    exporter = {each["secretKeyRef"]["name"] for each in read if "secretKeyRef" in each}
    return {each["name"] for each in trigger}, exporter


def test_all_share_one_login_unless_more_are_stated() -> None:
    assert referred(render(fleet())) == ({"broker"}, {"broker"})


def test_keda_and_the_exporter_read_secrets_of_their_own() -> None:
    found = render(fleet(kedaSecret=KEDA, exporterSecret=READS))

    assert referred(found) == ({"broker-keda"}, {"broker-exporter"})
    sources = {r.name: r.resource_id for r in found.resources if r.name.startswith("connection")}
    assert sources["connection-keda"] == "data/counts"
    assert sources["connection-exporter"] == "data/reads"
    # The fleet's pods go on to read the other one.
    assert {"broker", "broker-keda", "broker-exporter"} <= set(found.of_kind("Secret"))


def test_one_may_be_given_without_the_other() -> None:
    assert referred(render(fleet(kedaSecret=KEDA))) == ({"broker-keda"}, {"broker"})
    assert referred(render(fleet(exporterSecret=READS))) == ({"broker"}, {"broker-exporter"})


def test_a_lesser_login_has_what_keda_reads_and_no_url_of_the_fleets() -> None:
    found = lesser_secret(encoded(CONNECTION), "broker.kedaSecret data/counts")

    assert found == {
        "address": "127.0.0.1:6380",
        "username": "fleet",
        "password": "p/w:d",
        "tls": "enable",
        "ca.crt": "CA",
    }


def test_a_lesser_login_without_its_keys_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"broker.kedaSecret data/counts lacks username, ca.crt"):
        lesser_secret(
            encoded({**CONNECTION, "username": "", "ca.crt": ""}), "broker.kedaSecret data/counts"
        )


def encoded(values: dict[str, str]) -> dict[str, str]:
    return {key: b64encode(value.encode()).decode() for key, value in values.items() if value}
