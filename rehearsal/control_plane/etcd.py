"""The command line of etcd, where the API server keeps its objects."""

from pathlib import Path

from rehearsal.control_plane.credentials import Credentials
from rehearsal.control_plane.ports import ADDRESS, Ports
from rehearsal.control_plane.program import SMALL_HEAP, Options, Program, flags

_QUOTA_BYTES = 512 * 1024 * 1024


def etcd_program(binary: Path, credentials: Credentials, ports: Ports) -> Program:
    """One member; its clients need a certificate of the stage."""
    pair, authority = credentials.pair("etcd"), credentials.authority.certificate
    client = f"https://{ADDRESS}:{ports.etcd}"
    peer = f"https://{ADDRESS}:{ports.etcd_peer}"
    options: Options = {
        "name": "rehearsal",
        "data-dir": credentials.layout.etcd,
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"rehearsal={peer}",
        "client-cert-auth": "true",
        "cert-file": pair.certificate,
        "key-file": pair.key,
        "trusted-ca-file": authority,
        "peer-client-cert-auth": "true",
        "peer-cert-file": pair.certificate,
        "peer-key-file": pair.key,
        "peer-trusted-ca-file": authority,
        "quota-backend-bytes": _QUOTA_BYTES,
        # A restart then replays 10 000 entries at most, not 100 000.
        "snapshot-count": 10_000,
        "log-level": "warn",
    }
    argv = (str(binary), *flags(options))
    return Program("etcd", argv, env=SMALL_HEAP, reads=(pair.certificate, authority))
