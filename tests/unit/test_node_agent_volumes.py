"""Which files a volume holds, and which claims get a volume."""

from pathlib import Path
from typing import Any

import pytest

from rehearsal.node_agent.model.claim import Claim, PersistentVolume, StorageClass
from rehearsal.node_agent.model.volume import Volume
from rehearsal.node_agent.rules.errors import ContainerConfigError
from rehearsal.node_agent.rules.provisioning import (
    PROVISIONER,
    is_to_delete,
    is_to_provision,
    volume_object,
)
from rehearsal.node_agent.rules.source import Source, SourceData
from rehearsal.node_agent.rules.volume_files import (
    Files,
    VolumeFile,
    VolumeInputs,
    is_refreshed,
    needed_sources,
    volume_files,
)
from tests.unit.node_agent_pods import facts, pod

SOURCES: SourceData = {
    Source("ConfigMap", "settings"): {"a.json": b"{}", "b.json": b"[]"},
    Source("Secret", "broker"): {"ca.crt": b"CA", "password": b"p"},
    Source("ServiceAccountToken", "worker", "vault", 600, "p", "u"): {"token": b"t"},
    Source("Secret", "gone"): None,
}


def volume(**kind: Any) -> Volume:
    return Volume.model_validate({"name": "v", **kind})


def files(**kind: Any) -> Files | None:
    named = pod(metadata={"labels": {"b": "2", "a": 'say "1"'}}, serviceAccountName="worker")
    return volume_files(volume(**kind), VolumeInputs(facts(named), SOURCES))


def test_a_config_map_is_a_file_for_each_key() -> None:
    assert files(configMap={"name": "settings"}) == {
        "a.json": VolumeFile(b"{}", 0o644),
        "b.json": VolumeFile(b"[]", 0o644),
    }


def test_items_choose_keys_paths_and_modes() -> None:
    chosen = [{"key": "a.json", "path": "conf/a", "mode": 0o400}]

    assert files(configMap={"name": "settings", "items": chosen}) == {
        "conf/a": VolumeFile(b"{}", 0o400)
    }


@pytest.mark.parametrize(("declared", "mode"), [(None, 0o600), (0o644, 0o600), (0o440, 0o400)])
def test_a_secret_is_never_readable_by_others(declared: int | None, mode: int) -> None:
    found = files(secret={"secretName": "broker", "defaultMode": declared})

    assert found is not None
    assert found["password"] == VolumeFile(b"p", mode)


def test_a_missing_secret_is_named_unless_it_is_optional() -> None:
    with pytest.raises(ContainerConfigError, match='secret "gone" not found'):
        files(secret={"secretName": "gone"})
    assert files(secret={"secretName": "gone", "optional": True}) == {}


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ContainerConfigError, match="non-existent secret key: nope"):
        files(secret={"secretName": "broker", "items": [{"key": "nope", "path": "x"}]})


def test_a_projection_puts_several_sources_into_one_folder() -> None:
    found = files(
        projected={
            "sources": [
                {"configMap": {"name": "settings", "items": [{"key": "a.json", "path": "a"}]}},
                {"secret": {"name": "broker", "items": [{"key": "ca.crt", "path": "ca"}]}},
                {
                    "serviceAccountToken": {
                        "path": "token",
                        "audience": "vault",
                        "expirationSeconds": 600,
                    }
                },
                {
                    "downwardAPI": {
                        "items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]
                    }
                },
            ]
        }
    )

    assert found == {
        "a": VolumeFile(b"{}", 0o644),
        "ca": VolumeFile(b"CA", 0o600),
        "token": VolumeFile(b"t", 0o600),
        "ns": VolumeFile(b"n", 0o644),
    }


def test_labels_are_listed_sorted_and_quoted() -> None:
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]

    assert files(downwardAPI={"items": items}) == {
        "labels": VolumeFile(b'a="say \\"1\\""\nb="2"', 0o644)
    }


@pytest.mark.parametrize("kind", [{"emptyDir": {}}, {"persistentVolumeClaim": {"claimName": "d"}}])
def test_a_volume_that_the_pod_fills_is_left_to_it(kind: dict[str, Any]) -> None:
    assert files(**kind) is None
    assert not is_refreshed(volume(**kind))


def test_the_objects_of_a_volume_are_fetched_in_the_pods_name() -> None:
    token = volume(projected={"sources": [{"serviceAccountToken": {"path": "t"}}]})

    own = pod(metadata={"name": "w-1", "uid": "u-1"}, serviceAccountName="worker")

    assert needed_sources(token, own) == {
        Source("ServiceAccountToken", "worker", lifetime_s=3600, pod="w-1", pod_uid="u-1")
    }
    assert needed_sources(volume(secret={"secretName": "s"}), own) == {Source("Secret", "s")}


def claim(asked_of: str = PROVISIONER, **spec: Any) -> Claim:
    return Claim.model_validate(
        {
            "metadata": {
                "name": "data",
                "namespace": "fleet",
                "uid": "c-1",
                "annotations": {"volume.kubernetes.io/storage-provisioner": asked_of},
            },
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "resources": {"requests": {"storage": "1Gi"}},
                "storageClassName": "rehearsal",
                **spec,
            },
        }
    )


def released(phase: str = "Released", policy: str = "Delete", **meta: Any) -> PersistentVolume:
    annotations = {"pv.kubernetes.io/provisioned-by": PROVISIONER}
    return PersistentVolume.model_validate(
        {
            "metadata": {"name": "pvc-1", "annotations": annotations, **meta},
            "spec": {"persistentVolumeReclaimPolicy": policy},
            "status": {"phase": phase},
        }
    )


def test_a_claim_is_provisioned_only_when_asked_and_only_once() -> None:
    assert is_to_provision(claim())
    assert is_to_provision(claim("efs.csi.aws.com"))
    assert not is_to_provision(claim("ebs.csi.aws.com"))
    assert not is_to_provision(claim(volumeName="pvc-1"))


def test_only_a_released_volume_of_ours_is_deleted() -> None:
    assert is_to_delete(released())
    assert not is_to_delete(released(phase="Bound"))
    assert not is_to_delete(released(policy="Retain"))
    assert not is_to_delete(released(annotations={}))
    assert not is_to_delete(released(deletionTimestamp="2026-01-01T00:00:00Z"))


def test_a_volume_is_made_for_its_claim_alone() -> None:
    storage_class = StorageClass.model_validate(
        {"metadata": {"name": "rehearsal"}, "provisioner": PROVISIONER}
    )

    made = volume_object(claim(), storage_class, Path("/state/volumes/fleet/data"))

    assert made["metadata"]["name"] == "pvc-c-1"
    assert made["spec"]["claimRef"]["uid"] == "c-1"
    assert made["spec"]["accessModes"] == ["ReadWriteMany"]
    assert made["spec"]["capacity"] == {"storage": "1Gi"}
    assert made["spec"]["hostPath"] == {"path": "/state/volumes/fleet/data"}
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
