"""Issues the stage's certificates: one authority, and leaves signed by it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rehearsal.control_plane.files import write_atomically
from rehearsal.control_plane.issuing import Subject, issue_authority, issue_leaf

_RENEW_BEFORE = dt.timedelta(days=30)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """The stage's own certificate authority, loaded."""

    pair: Pair
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def ensure_leaf(self, pair: Pair, subject: Subject) -> None:
        """Keep a leaf that is still good, else issue it anew (server and client use)."""
        if not _leaf_is_good(pair, subject, self.certificate):
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = issue_leaf(subject, key.public_key(), self.certificate, self.key)
            _write_pair(pair, certificate, key)


def ensure_authority(pair: Pair) -> Authority:
    """Load the authority; a missing, unreadable or nearly expired one is made anew."""
    try:
        certificate, key = _read_pair(pair)
    except (OSError, ValueError, TypeError):
        return _new_authority(pair)
    if _expires_soon(certificate):
        return _new_authority(pair)
    return Authority(pair, certificate, key)


def _new_authority(pair: Pair) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issue_authority(Subject("celery-fleet rehearsal"), key)
    _write_pair(pair, certificate, key)
    return Authority(pair, certificate, key)


def ensure_signing_key(path: Path) -> None:
    """Keep or make the key that signs service account tokens."""
    if not path.exists():
        write_atomically(path, _key_pem(ec.generate_private_key(ec.SECP256R1())))


def _leaf_is_good(pair: Pair, subject: Subject, authority: x509.Certificate) -> bool:
    try:
        certificate, key = _read_pair(pair)
        certificate.verify_directly_issued_by(authority)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    same_key = certificate.public_key() == key.public_key()
    same_subject = certificate.subject == subject.x509_name
    same_names = _alternatives(certificate) == subject.alternatives
    return same_key and same_subject and same_names and not _expires_soon(certificate)


def _alternatives(certificate: x509.Certificate) -> Sequence[x509.GeneralName]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(found.value)


def _expires_soon(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc < dt.datetime.now(dt.UTC) + _RENEW_BEFORE


def _read_pair(pair: Pair) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    key = serialization.load_pem_private_key(pair.key.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not an elliptic curve key")
    return certificate, key


def _write_pair(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_atomically(pair.key, _key_pem(key))
    write_atomically(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
