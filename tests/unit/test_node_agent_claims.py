"""Where the stand-in provisioner puts a claim's data."""

from pathlib import Path

from rehearsal.node_agent.model.claim import Claim, PersistentVolume
from rehearsal.node_agent.rules.provisioning import folder_of, is_at, volume_name

ROOT = Path("/volumes")


def claim(uid: str) -> Claim:
    meta = {"namespace": "prod", "name": "data", "uid": uid, "resourceVersion": "1"}
    return Claim.model_validate({"metadata": meta, "spec": {"storageClassName": "fleet-shared"}})


def volume(of: Claim, folder: Path, policy: str) -> PersistentVolume:
    spec = {"hostPath": {"path": str(folder)}, "persistentVolumeReclaimPolicy": policy}
    meta = {"name": volume_name(of), "resourceVersion": "1"}
    return PersistentVolume.model_validate({"metadata": meta, "spec": spec})


def test_a_claims_data_lies_under_its_name() -> None:
    own = claim("1")
    folder = folder_of(own, ROOT, [])

    assert folder == ROOT / "prod" / "data"
    assert folder_of(own, ROOT, [volume(own, folder, "Retain")]) == folder


def test_what_an_earlier_claim_of_the_name_keeps_is_left_alone() -> None:
    kept = volume(claim("1"), ROOT / "prod" / "data", "Retain")

    assert folder_of(claim("2"), ROOT, [kept]) == ROOT / "prod" / "data-2"


def test_a_volume_that_is_to_be_deleted_is_waited_for() -> None:
    going = volume(claim("1"), ROOT / "prod" / "data", "Delete")

    assert is_at(folder_of(claim("2"), ROOT, [going]), going)
