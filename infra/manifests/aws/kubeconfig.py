"""How Kubernetes is reached: a token that the AWS CLI makes anew for each run."""

import json


def kubeconfig(name: str, endpoint: str, authority: str, region: str) -> str:
    """Text of a kubeconfig that holds no credential.

    Args:
        name: the EKS cluster's.
        endpoint: URL of its API server.
        authority: base64 of the CA that signed its certificate.
        region: the cluster's.

    """
    token = ["eks", "get-token", "--cluster-name", name, "--region", region]
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [
                {
                    "name": name,
                    "cluster": {"server": endpoint, "certificate-authority-data": authority},
                }
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [
                {
                    "name": name,
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "aws",
                            "args": token,
                            "interactiveMode": "Never",
                        }
                    },
                }
            ],
        }
    )
