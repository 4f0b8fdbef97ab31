"""Helm releases: checked and recorded as Helm records them; nothing of a chart is installed."""

import base64
import gzip
import json
from collections.abc import Mapping

from pulumi.runtime.proto import provider_pb2 as pb

from rehearsal.plugins.diff_answer import diff_answer
from rehearsal.plugins.difference import changes
from rehearsal.plugins.engine_log import Log
from rehearsal.plugins.known import RefusedError
from rehearsal.plugins.kubernetes_provider import known_charts
from rehearsal.plugins.kubernetes_provider.cluster import Apply, Cluster
from rehearsal.plugins.kubernetes_provider.objects import Kind, Manifest, ObjectName, mapping, text
from rehearsal.plugins.urns import name_of_urn, type_of_urn
from rehearsal.plugins.values import Unknown, decoded, encoded, holds, plain, with_secrets_of

TOKEN = "kubernetes:helm.sh/v3:Release"  # noqa: S105 - a type's name
MANAGER = "helm-stand-in"
_SECRET = Kind("", "v1", "Secret")
_NAMESPACE = Kind("", "v1", "Namespace")
_REPLACING = frozenset({"name", "namespace"})
_NOTE = "stand-in: the release is checked and recorded, its chart is not installed"


def is_release(urn: str) -> bool:
    """Whether a resource is a Helm release."""
    return type_of_urn(urn) == TOKEN


class Releases:
    """Answers the engine's calls about releases of one cluster."""

    def __init__(self, cluster: Cluster, log: Log) -> None:
        self._cluster = cluster
        self._log = log

    def check(self, request: pb.CheckRequest) -> pb.CheckResponse:
        """Fill in name and namespace; refuse a chart that is not known, or values of no shape."""
        given = decoded(request.news)
        defaults = {"name": name_of_urn(request.urn), "namespace": self._cluster.namespace}
        done = {**defaults, **given}
        failures = [
            pb.CheckFailure(property=key, reason=why) for key, why in _problems(done).items()
        ]
        return pb.CheckResponse(inputs=encoded(done), failures=failures)

    def diff(self, request: pb.DiffRequest) -> pb.DiffResponse:
        old, new = _plain(decoded(request.old_inputs)), _plain(decoded(request.news))
        return diff_answer(changes(old, new), lambda path: path[0] in _REPLACING)

    def create(self, request: pb.CreateRequest) -> pb.CreateResponse:
        inputs = decoded(request.properties)
        if request.preview:
            return pb.CreateResponse(properties=encoded(inputs))
        asked = _plain(inputs)
        if self._cluster.get(_record_of(asked)) is not None:
            raise RefusedError(f"release {_id(asked)} was not created: it exists already")
        if asked.get("createNamespace"):
            self._make_namespace(text(asked["namespace"]))
        self._log.note(request.urn, _NOTE)
        return pb.CreateResponse(id=_id(asked), properties=encoded(self._kept(inputs)))

    def update(self, request: pb.UpdateRequest) -> pb.UpdateResponse:
        inputs = decoded(request.news)
        state = inputs if request.preview else self._kept(inputs)
        return pb.UpdateResponse(properties=encoded(state))

    def read(self, request: pb.ReadRequest) -> pb.ReadResponse:
        inputs = decoded(request.inputs)
        namespace, _, name = request.id.partition("/")
        live = self._cluster.get(_record_of({"namespace": namespace, "name": name}))
        if live is None:
            return pb.ReadResponse()
        found = _unpacked(live)
        now = with_secrets_of({**_plain(inputs), **found}, inputs)
        return pb.ReadResponse(
            id=request.id, properties=encoded(_with_status(now)), inputs=encoded(now)
        )

    def delete(self, request: pb.DeleteRequest) -> None:
        """Forget it; its namespace stays, as Helm lets it."""
        namespace, _, name = request.id.partition("/")
        self._cluster.delete(_record_of({"namespace": namespace, "name": name}), "Background")

    def _make_namespace(self, name: str) -> None:
        target = ObjectName(_NAMESPACE, "", name)
        if self._cluster.get(target) is None:
            manifest: Manifest = {"apiVersion": "v1", "kind": "Namespace"}
            manifest["metadata"] = {"name": name}
            self._apply(target, manifest)

    def _kept(self, inputs: dict[str, object]) -> dict[str, object]:
        asked = _plain(inputs)
        self._apply(_record_of(asked), _record(asked))
        return _with_status(inputs)

    def _apply(self, target: ObjectName, manifest: Manifest) -> None:
        self._cluster.apply(target, manifest, Apply(MANAGER, force=True, dry_run=False))


def _problems(inputs: Mapping[str, object]) -> dict[str, str]:
    options = inputs.get("repositoryOpts")
    named = {key: inputs.get(key) for key in ("chart", "version")} | {"repo": options}
    if holds(named, Unknown):
        return {}
    repository = text(mapping(plain(options)).get("repo"))
    chart, version = text(plain(named["chart"])), text(plain(named["version"]))
    found = {}
    if told := known_charts.problem(repository, chart, version):
        found["chart"] = told
    values = plain(inputs.get("values", {}))
    if not isinstance(values, dict | Unknown):
        found["values"] = "they are no map"
    return found


def _record_of(asked: Mapping[str, object]) -> ObjectName:
    """Where Helm keeps what it knows of a release; always the first revision here."""
    return ObjectName(_SECRET, text(asked["namespace"]), f"sh.helm.release.v1.{asked['name']}.v1")


def _record(asked: Mapping[str, object]) -> Manifest:
    """Helm's own record, so far as Helm can list it; its description says what it is."""
    release = {
        "name": asked["name"],
        "namespace": asked["namespace"],
        "version": 1,
        "info": {"status": "deployed", "description": _NOTE},
        "chart": {"metadata": {"name": asked["chart"], "version": asked["version"]}},
        "config": asked.get("values", {}),
    }
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode(), mtime=0))
    target = _record_of(asked)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": target.name,
            "namespace": target.namespace,
            "labels": {"owner": "helm", "name": text(asked["name"]), "status": "deployed"},
        },
        "type": "helm.sh/release.v1",
        "data": {"release": base64.b64encode(packed).decode()},
    }


def _unpacked(live: Manifest) -> dict[str, object]:
    packed = base64.b64decode(text(mapping(live.get("data")).get("release")))
    release = json.loads(gzip.decompress(base64.b64decode(packed)))
    chart = release["chart"]["metadata"]
    return {"chart": chart["name"], "version": chart["version"], "values": release["config"]}


def _with_status(state: dict[str, object]) -> dict[str, object]:
    status = {key: state.get(key) for key in ("name", "namespace", "chart", "version")}
    return {**state, "status": {**status, "revision": 1, "status": "deployed"}}


def _id(asked: Mapping[str, object]) -> str:
    return f"{asked['namespace']}/{asked['name']}"


def _plain(values: dict[str, object]) -> dict[str, object]:
    return dict(mapping(plain(values)))
