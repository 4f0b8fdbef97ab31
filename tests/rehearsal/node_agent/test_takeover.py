"""A node agent that was killed: the next one takes its pods over."""

import os
import signal

import pytest

from tests.rehearsal.node_agent.cluster import (
    NodeCluster,
    condition,
    container_status,
    exec_probe,
    is_running,
    main_pid,
    sh,
    wait_for,
)

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]


def kill_agent(cluster: NodeCluster) -> None:
    """Kill the agent and wait until another works."""
    killed = cluster.agent()
    heartbeat = cluster.layout.root / "node-agent.heartbeat"
    heartbeat.unlink()
    killed.kill()
    wait_for(heartbeat.exists, "another agent's heartbeat")


def test_a_killed_agents_pods_are_taken_over_by_the_next(cluster: NodeCluster) -> None:
    cluster.run(
        "survivor",
        *sh("echo $$$$; touch $TMPDIR/up; exec sleep 600"),
        readinessProbe=exec_probe("test -e $TMPDIR/up", failureThreshold=1),
    )
    cluster.wait_ready("survivor")
    pid = main_pid(cluster, "survivor")

    kill_agent(cluster)

    # Probed again: readiness goes with the file, so the new agent is at work on the old process.
    assert container_status(cluster.pod("survivor"))["ready"]
    (cluster.folder("survivor") / "tmp" / "up").unlink()
    pod = cluster.wait_pod("survivor", lambda pod: condition(pod, "Ready") == "False", "unready")
    assert container_status(pod)["restartCount"] == 0
    assert is_running(pid)
    cluster.delete("pods", "survivor")
    assert not is_running(pid)


def test_a_container_that_ended_unseen_is_restarted_and_its_end_called_unknown(
    cluster: NodeCluster,
) -> None:
    cluster.run("lost", *sh("echo $$$$; exec sleep 600"))
    cluster.wait_ready("lost")
    agent, pid = cluster.agent(), main_pid(cluster, "lost")
    agent.suspend()
    os.kill(pid, signal.SIGKILL)
    agent.kill()

    pod = cluster.wait_pod(
        "lost", lambda pod: container_status(pod).get("restartCount", 0) == 1, "restarted"
    )

    end = container_status(pod)["lastState"]["terminated"]
    assert (end["exitCode"], end["reason"]) == (137, "ContainerStatusUnknown")


def test_a_pod_deleted_while_no_agent_ran_is_ended_by_the_next(cluster: NodeCluster) -> None:
    cluster.run("orphan", *sh("echo $$$$; exec sleep 600"))
    cluster.wait_ready("orphan")
    agent, pid = cluster.agent(), main_pid(cluster, "orphan")
    agent.suspend()
    cluster.client.delete(cluster.path("pods", "orphan"), params={"gracePeriodSeconds": 0})
    agent.kill()

    wait_for(lambda: not is_running(pid), "the process to be gone")
    assert not cluster.exists("pods", "orphan")
