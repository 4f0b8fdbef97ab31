"""What the Kubernetes stand-in refuses, or passes on from the API server, and what is left then."""

import pytest

from tests.engine.control_plane import Cluster
from tests.engine.project import Project
from tests.engine.sample import program

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

READ = """
from pulumi_kubernetes.core.v1 import Secret

found = Secret.get("found", "{id}")
pulumi.export("read", found.data["token"])
"""
HELM = """
from pulumi_kubernetes.helm.v3 import Release

Release("keda", chart="keta")
"""


def test_a_bad_field_is_told_in_the_servers_words_and_leaves_all_as_it_was(
    project: Project,
) -> None:
    project.write(program("bad"))
    project.up()
    before = project.resources()

    project.write(program("bad").replace('"port": 80,', '"port": 99999,'))
    previewed = project.fail("preview")
    applied = project.fail("up", "--yes", "--skip-preview")

    assert 'Service bad/api would be refused: Service "api" is invalid' in previewed
    assert 'Service bad/api was not updated: Service "api" is invalid' in applied
    for told in (previewed, applied):
        assert "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535" in told
    assert project.resources()["service"] == before["service"]
    project.write(program("bad"))
    project.up("--expect-no-changes")


def test_a_misspelt_field_is_refused_at_preview(project: Project, cluster: Cluster) -> None:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "misspelt"}})
    project.write("""
        from pulumi_kubernetes.core.v1 import Service

        Service(
            "api",
            metadata={"name": "api", "namespace": "misspelt"},
            spec={"selektor": {"app": "api"}, "ports": [{"port": 80}]},
        )
    """)

    assert ".spec.selektor: field not declared in schema" in project.fail("preview")


def test_an_existing_object_is_read_by_its_id(project: Project, cluster: Cluster) -> None:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "platform"}})
    cluster.create(
        "/api/v1/namespaces/platform/secrets",
        {"metadata": {"name": "broker"}, "stringData": {"token": "from-the-platform"}},
    )
    project.write(program("reader", more=READ.format(id="platform/broker")))

    told = project.up()
    assert project.output("read") == "ZnJvbS10aGUtcGxhdGZvcm0="
    assert "ZnJvbS10aGUtcGxhdGZvcm0=" not in told
    project.up("--expect-no-changes")
    project.succeed("destroy", "--yes", "--skip-preview")
    assert cluster.exists("/api/v1/namespaces/platform/secrets/broker")


def test_an_object_to_be_read_that_does_not_exist_is_named(
    project: Project, cluster: Cluster
) -> None:
    assert cluster.is_ready()
    project.write(program("absent", more=READ.format(id="absent/broker")))

    assert "resource 'absent/broker' does not exist" in project.fail("preview")


def test_a_field_of_another_owner_is_a_conflict_until_it_is_taken_over(
    project: Project, cluster: Cluster
) -> None:
    service = "/api/v1/namespaces/conflict/services/api"
    project.write(program("conflict"))
    project.up()
    cluster.patch(service, {"spec": {"selector": {"app": "x"}}}, manager="mesh-controller")
    changed = 'spec={"selector": {"app": "canary"}, "ports": [{"port": 80, "targetPort": 8000}]}'
    original = program("conflict").replace(
        'spec={"selector": labels, "ports": [{"port": 80, "targetPort": 8000}]}', changed
    )

    project.write(original)
    told = project.fail("up", "--yes", "--skip-preview")
    assert 'conflict with "mesh-controller"' in told
    assert "pulumi.com/patchForce" in told
    assert cluster.get(service)["spec"]["selector"] == {"app": "x"}

    forced = 'meta("api", annotations={"pulumi.com/patchForce": "true"})'
    project.write(original.replace('meta("api")', forced))
    project.up()
    assert cluster.get(service)["spec"]["selector"] == {"app": "canary"}


def test_an_object_that_exists_is_taken_over_only_when_asked(
    project: Project, cluster: Cluster
) -> None:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "taken"}})
    project.write(program("taken"))

    told = project.fail("up", "--yes", "--skip-preview")
    assert "Namespace taken was not created: it exists already" in told
    project.succeed("config", "set", "kubernetes:upsertExistingObjects", "true")
    project.up()
    assert cluster.exists("/api/v1/namespaces/taken/services/api")


def test_what_the_stand_in_lacks_is_refused_by_name(project: Project, cluster: Cluster) -> None:
    assert cluster.is_ready()
    project.write(program("helm", more=HELM))

    told = project.fail("preview")

    assert "no chart 'keta' of no repository is known here, only" in told


def test_an_unreachable_cluster_is_told_once_and_plainly(project: Project) -> None:
    project.write(program("unreachable"))
    project.succeed("config", "set", "kubernetes:kubeconfig", "/nowhere/kubeconfig")

    told = project.fail("preview")

    assert "the kubeconfig holds no clusters" in told
    assert "Traceback" not in told
