"""A stand-in for the AWS CLI, as far as a kubeconfig for EKS calls it: `aws eks get-token`."""

import base64
import json
import os
import sys
from pathlib import Path

import yaml

STATE = "FLEET_REHEARSAL_STATE"
API_VERSION = "client.authentication.k8s.io/v1beta1"
USAGE_ERROR = 2


def main(arguments: list[str]) -> int:
    """Print an ExecCredential for the rehearsal's API server; everything else is refused."""
    if arguments[:2] != ["eks", "get-token"]:
        told = f"aws (stand-in of the rehearsal): knows `eks get-token` only, not {arguments[:2]}"
        sys.stderr.write(f"{told}\n")
        return USAGE_ERROR
    root = os.environ.get(STATE)
    if not root:
        sys.stderr.write(f"aws (stand-in of the rehearsal): {STATE} is not set\n")
        return 1
    try:
        credential = exec_credential((Path(root) / "kubeconfig").read_text())
    except (OSError, KeyError, IndexError, ValueError) as error:
        # The error's own words may quote the file, which holds a key.
        told = f"{root}/kubeconfig gives no credential: {type(error).__name__}"
        sys.stderr.write(f"aws (stand-in of the rehearsal): {told}\n")
        return 1
    sys.stdout.write(json.dumps(credential))
    return 0


def exec_credential(kubeconfig: str) -> dict[str, object]:
    """The first user of a kubeconfig: its token, or its client certificate."""
    user = yaml.safe_load(kubeconfig)["users"][0]["user"]
    if token := user.get("token"):
        status = {"token": token}
    else:
        status = {
            "clientCertificateData": _text(user["client-certificate-data"]),
            "clientKeyData": _text(user["client-key-data"]),
        }
    return {"apiVersion": API_VERSION, "kind": "ExecCredential", "spec": {}, "status": status}


def _text(data: str) -> str:
    return base64.b64decode(data).decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
