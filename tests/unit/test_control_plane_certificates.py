"""Certificates are kept while they are good and issued anew when they are not."""

import datetime as dt
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509

from rehearsal.control_plane import certificates, issuing
from rehearsal.control_plane.certificates import Authority, Pair, ensure_authority
from rehearsal.control_plane.issuing import Subject

SERVER = Subject("server", "group", ("localhost", "127.0.0.1"))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return ensure_authority(pair(tmp_path, "ca"))


def pair(folder: Path, name: str) -> Pair:
    return Pair(folder / f"{name}.crt", folder / f"{name}.key")


def certificate(of: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(of.certificate.read_bytes())


def test_a_leaf_is_signed_by_the_authority_and_names_its_hosts(
    tmp_path: Path, authority: Authority
) -> None:
    leaf = pair(tmp_path, "server")
    authority.ensure_leaf(leaf, SERVER)

    issued = certificate(leaf)
    names = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    issued.verify_directly_issued_by(authority.certificate)
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    assert issued.subject.rfc4514_string() == "CN=server,O=group"


def test_a_good_leaf_is_kept(tmp_path: Path, authority: Authority) -> None:
    leaf = pair(tmp_path, "server")
    authority.ensure_leaf(leaf, SERVER)
    first = leaf.certificate.read_bytes()

    authority.ensure_leaf(leaf, SERVER)

    assert leaf.certificate.read_bytes() == first


@pytest.mark.parametrize(
    "changed",
    [
        Subject("other", "group", SERVER.names),
        Subject("server", "other", SERVER.names),
        Subject("server", "group", ("localhost",)),
    ],
)
def test_a_leaf_for_another_subject_is_issued_anew(
    tmp_path: Path, authority: Authority, changed: Subject
) -> None:
    leaf = pair(tmp_path, "server")
    authority.ensure_leaf(leaf, SERVER)
    first = leaf.certificate.read_bytes()

    authority.ensure_leaf(leaf, changed)

    assert leaf.certificate.read_bytes() != first


def test_a_leaf_that_expires_within_a_month_is_issued_anew(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = pair(tmp_path, "server")
    with monkeypatch.context() as patch:
        patch.setattr(issuing, "_LEAF_LIFETIME", dt.timedelta(days=29))
        authority.ensure_leaf(leaf, SERVER)
    first = leaf.certificate.read_bytes()

    authority.ensure_leaf(leaf, SERVER)

    assert leaf.certificate.read_bytes() != first


@pytest.mark.parametrize("broken", ["certificate", "key"])
def test_a_cut_file_is_made_whole_again(tmp_path: Path, authority: Authority, broken: str) -> None:
    leaf = pair(tmp_path, "server")
    authority.ensure_leaf(leaf, SERVER)
    path = getattr(leaf, broken)
    path.write_bytes(path.read_bytes()[:40])

    authority.ensure_leaf(leaf, SERVER)

    assert certificates._leaf_is_good(leaf, SERVER, authority.certificate)


def test_a_new_authority_replaces_every_leaf(tmp_path: Path, authority: Authority) -> None:
    leaf = pair(tmp_path, "server")
    authority.ensure_leaf(leaf, SERVER)
    authority.pair.key.unlink()

    other = ensure_authority(authority.pair)
    other.ensure_leaf(leaf, SERVER)

    assert other.certificate != authority.certificate
    certificate(leaf).verify_directly_issued_by(other.certificate)
