"""Builds X.509 certificates: what stands in an authority's, and in a leaf signed by it."""

import datetime as dt
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY_LIFETIME = dt.timedelta(days=3650)
_LEAF_LIFETIME = dt.timedelta(days=365)
# A clock that was set back a little must not make a new certificate "not yet valid".
_CLOCK_SLACK = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class Subject:
    """Who a certificate speaks for; Kubernetes reads the groups from the organisation."""

    common_name: str
    organisation: str | None = None
    names: tuple[str, ...] = ()
    """Host names and IP addresses that a server answers to."""

    @property
    def x509_name(self) -> x509.Name:
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)]
        if self.organisation:
            group = x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organisation)
            attributes.insert(0, group)
        return x509.Name(attributes)

    @property
    def alternatives(self) -> list[x509.GeneralName]:
        return [_general_name(name) for name in self.names]


def issue_leaf(
    subject: Subject,
    public_key: ec.EllipticCurvePublicKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """Sign a certificate for server and client use."""
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = _builder(subject, authority.subject, public_key, _LEAF_LIFETIME)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if subject.names:
        names = x509.SubjectAlternativeName(subject.alternatives)
        builder = builder.add_extension(names, critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def issue_authority(subject: Subject, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Sign a certificate authority's own certificate."""
    public_key = key.public_key()
    builder = _builder(subject, subject.x509_name, public_key, _AUTHORITY_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    return builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256())


def _builder(
    subject: Subject,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    lifetime: dt.timedelta,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject.x509_name,
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - _CLOCK_SLACK,
        not_valid_after=now + lifetime,
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
