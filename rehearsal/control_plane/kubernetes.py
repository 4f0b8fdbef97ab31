"""The command lines of Kubernetes' own programs, from ports and files."""

from dataclasses import dataclass
from pathlib import Path

from rehearsal.control_plane.credentials import Credentials
from rehearsal.control_plane.ports import ADDRESS, Ports
from rehearsal.control_plane.program import SMALL_HEAP, Options, Program, flags

SERVICE_CIDR = "10.96.0.0/16"
"""kubeadm's; no proxy serves these addresses here."""

# What needs a cloud, a kubelet that asks for certificates, CSI drivers or devices; and
# endpoints that no proxy reads.
_CONTROLLERS_OFF = (
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "cloud-node-lifecycle-controller",
    "device-taint-eviction-controller",
    # The API server takes no loopback address in endpoints, and the pods have no other.
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "kube-apiserver-serving-clustertrustbundle-publisher-controller",
    "legacy-serviceaccount-token-cleaner-controller",
    "node-ipam-controller",
    "node-route-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-expander-controller",
    "podcertificaterequest-cleaner-controller",
    "podgroup-protection-controller",
    "resourceclaim-controller",
    "resourcepoolstatusrequest-controller",
    "service-cidr-controller",
    "service-lb-controller",
    "storage-version-migrator-controller",
    "volumeattributesclass-protection-controller",
)


@dataclass(frozen=True)
class ControlPlane:
    """Renders each program; decides nothing at run time."""

    credentials: Credentials
    ports: Ports

    def kube_apiserver(self, binary: Path) -> Program:
        """RBAC, PodSecurity and the aggregation layer on, as a managed cluster has them."""
        options: Options = {
            **self._api_serving(),
            **self._api_identities(),
            **self._api_aggregation(),
            # As on managed clusters: PodSecurity is what refuses a privileged pod.
            "allow-privileged": "true",
            "authorization-mode": "Node,RBAC",
            "endpoint-reconciler-type": "none",
            "service-cluster-ip-range": SERVICE_CIDR,
            "profiling": "false",
            "event-ttl": "1h",
            # One client machine: a tenth of the defaults is plenty and bounds memory.
            "max-requests-inflight": 100,
            "max-mutating-requests-inflight": 50,
        }
        reads = [self.credentials.authority.certificate, self.credentials.pair("etcd").certificate]
        return self._program("kube-apiserver", binary, options, reads)

    def kube_controller_manager(self, binary: Path, hpa_sync_period_s: int) -> Program:
        """The controllers; the autoscaler looks every `hpa_sync_period_s`."""
        kubeconfig = self.credentials.kubeconfig("kube-controller-manager").kubeconfig
        options: Options = {
            **self._controller_serving(self.ports.kube_controller_manager, kubeconfig),
            "controllers": ",".join(("*", *(f"-{name}" for name in _CONTROLLERS_OFF))),
            "horizontal-pod-autoscaler-sync-period": f"{hpa_sync_period_s}s",
            "root-ca-file": self.credentials.authority.certificate,
            "service-account-private-key-file": self.credentials.service_account_key.key,
        }
        return self._program("kube-controller-manager", binary, options, [kubeconfig])

    def kube_scheduler(self, binary: Path) -> Program:
        """The default scheduler."""
        kubeconfig = self.credentials.kubeconfig("kube-scheduler").kubeconfig
        options = self._controller_serving(self.ports.kube_scheduler, kubeconfig)
        return self._program("kube-scheduler", binary, options, [kubeconfig])

    def _api_serving(self) -> Options:
        serving = self.credentials.pair("kube-apiserver")
        client = self.credentials.pair("etcd-client")
        return {
            "bind-address": ADDRESS,
            "advertise-address": ADDRESS,
            "secure-port": self.ports.kube_apiserver,
            "tls-cert-file": serving.certificate,
            "tls-private-key-file": serving.key,
            "client-ca-file": self.credentials.authority.certificate,
            "etcd-servers": f"https://{ADDRESS}:{self.ports.etcd}",
            "etcd-cafile": self.credentials.authority.certificate,
            "etcd-certfile": client.certificate,
            "etcd-keyfile": client.key,
        }

    def _api_identities(self) -> Options:
        kubelet = self.credentials.pair("kubelet-client")
        signing = self.credentials.service_account_key.key
        return {
            "kubelet-client-certificate": kubelet.certificate,
            "kubelet-client-key": kubelet.key,
            "kubelet-certificate-authority": self.credentials.authority.certificate,
            "kubelet-preferred-address-types": "InternalIP",
            "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
            "service-account-signing-key-file": signing,
            "service-account-key-file": signing,
        }

    def _api_aggregation(self) -> Options:
        proxy = self.credentials.pair("front-proxy-client")
        return {
            "proxy-client-cert-file": proxy.certificate,
            "proxy-client-key-file": proxy.key,
            "requestheader-client-ca-file": self.credentials.authority.certificate,
            "requestheader-allowed-names": "front-proxy-client",
            "requestheader-username-headers": "X-Remote-User",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        }

    def _controller_serving(self, port: int, kubeconfig: Path) -> Options:
        pair = self.credentials.pair("controllers")
        return {
            "kubeconfig": kubeconfig,
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": ADDRESS,
            "secure-port": port,
            "tls-cert-file": pair.certificate,
            "tls-private-key-file": pair.key,
            "client-ca-file": self.credentials.authority.certificate,
            # Alone on the stage: waiting for a lease after a restart would cost 15 s.
            "leader-elect": "false",
            "profiling": "false",
        }

    def _program(
        self,
        name: str,
        binary: Path,
        options: Options,
        reads: list[Path],
    ) -> Program:
        argv = (str(binary), *flags(options))
        return Program(name=name, argv=argv, env=SMALL_HEAP, reads=tuple(reads))
