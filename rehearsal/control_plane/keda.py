"""The command lines of KEDA's operator and metrics adapter."""

from dataclasses import dataclass, replace
from pathlib import Path

from rehearsal.control_plane.credentials import OPERATOR_HOST, Credentials
from rehearsal.control_plane.ports import ADDRESS, Ports
from rehearsal.control_plane.program import SMALL_HEAP, Options, Program, flags

NAMESPACE = "keda"

_IN_CLUSTER = {
    # What KEDA would learn from its own pod.
    "POD_NAMESPACE": NAMESPACE,
    "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE,
    "WATCH_NAMESPACE": "",
}


@dataclass(frozen=True)
class Keda:
    """Renders both programs."""

    credentials: Credentials
    ports: Ports
    trusts_stage: bool = False
    """Whether the stage's authority stands for those of the system, as Amazon's would."""

    @property
    def _grpc_folder(self) -> Path:
        return self.credentials.layout.certificates / "keda"

    def operator(self, binary: Path) -> Program:
        """Reconciles ScaledObjects, starts from zero, answers the adapter over gRPC."""
        kubeconfig = self.credentials.kubeconfig("keda-operator").kubeconfig
        options: Options = {
            "kubeconfig": kubeconfig,
            "cert-dir": self._grpc_folder,
            "metrics-service-bind-address": f"{ADDRESS}:{self.ports.keda_operator}",
            "health-probe-bind-address": f"{ADDRESS}:{self.ports.keda_operator_health}",
            "metrics-bind-address": f"{ADDRESS}:{self.ports.keda_operator_metrics}",
            # Both would patch objects that only KEDA's own chart installs.
            "enable-webhook-patching": "false",
            "enable-apiservice-patching": "false",
            "zap-log-level": "info",
            "zap-encoder": "console",
        }
        trust = {"SSL_CERT_FILE": str(self.credentials.authority.certificate)}
        program = self._program("keda-operator", binary, options, kubeconfig)
        return replace(program, env={**program.env, **trust}) if self.trusts_stage else program

    def adapter(self, binary: Path) -> Program:
        """Serves `external.metrics.k8s.io` to the autoscaler."""
        kubeconfig = self.credentials.kubeconfig("keda-metrics").kubeconfig
        serving = self.credentials.pair("keda-adapter")
        options: Options = {
            "kubeconfig": kubeconfig,
            "lister-kubeconfig": kubeconfig,
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": ADDRESS,
            "secure-port": self.ports.keda_adapter,
            "port": self.ports.keda_adapter_metrics,
            "tls-cert-file": serving.certificate,
            "tls-private-key-file": serving.key,
            "client-ca-file": self.credentials.authority.certificate,
            "cert-dir": self._grpc_folder,
            "metrics-service-address": f"{ADDRESS}:{self.ports.keda_operator}",
            "metrics-service-grpc-authority": OPERATOR_HOST,
            "profiling": "false",
            "zap-encoder": "console",
        }
        return self._program("keda-adapter", binary, options, kubeconfig)

    def _program(self, name: str, binary: Path, options: Options, kubeconfig: Path) -> Program:
        return Program(
            name=name,
            argv=(str(binary), *flags(options)),
            env={**SMALL_HEAP, **_IN_CLUSTER},
            reads=(kubeconfig,),
        )
