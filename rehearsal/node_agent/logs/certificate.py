"""The log server's certificate, signed by the rehearsal's CA; clients need one of the CA's too."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rehearsal.errors import RehearsalError
from rehearsal.node_agent.rules.node_status import HOST_IP

# The agent makes a new one at every start.
_SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_VALID = timedelta(days=365)
_CLOCK_SKEW = timedelta(minutes=5)


def server_tls(certificates: Path) -> ssl.SSLContext:
    """A context that shows a fresh certificate and asks the client for one; the key stays here."""
    try:
        ca = x509.load_pem_x509_certificate((certificates / "ca.crt").read_bytes())
        ca_key = serialization.load_pem_private_key((certificates / "ca.key").read_bytes(), None)
    except (OSError, ValueError) as error:
        raise RehearsalError(
            what="the node agent cannot serve logs",
            why=f"the rehearsal's CA is unusable: {error}",
            mend="start the rehearsal again; the supervisor makes the CA",
            where=certificates,
        ) from error
    if not isinstance(ca_key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise TypeError(f"the CA's key is a {type(ca_key).__name__}, which cannot sign")
    return _context(certificates / "ca.crt", _signed(ca, ca_key))


def _signed(ca: x509.Certificate, ca_key: _SigningKey) -> bytes:
    """Key and certificate in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node-agent")]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _VALID)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST_IP))]), critical=False
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _context(ca_file: Path, chain_pem: bytes) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    # The standard library loads a certificate from a file only.
    with NamedTemporaryFile(dir=ca_file.parent) as chain:
        chain.write(chain_pem)
        chain.flush()
        context.load_cert_chain(chain.name)
    return context
