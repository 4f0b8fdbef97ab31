"""Whatever is installed, run or built is named by a digest that somebody has seen before."""

import re
from pathlib import Path

import pytest
import yaml

from rehearsal.toolchain.pins import MODULE_DISK_MIB, MODULES
from supply.bases import base_of_image
from supply.locks import LOCKS, ROOT, SupplyError, read

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
USES = re.compile(r"^\s*(?:- )?uses: *(.+)$", re.MULTILINE)
REQUIRED = re.compile(r"^\t?(?:require )?(\S+\.\S+) (v\S+)(?: // indirect)?$", re.MULTILINE)
REPLACED = re.compile(r"^(?:replace )?\s*(\S+)(?: v\S+)? => (\S+) (v\S+)$", re.MULTILINE)
HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_of_a_lock_has_hashes(name: str) -> None:
    assert all(pin.hashes for pin in read(name))


def test_every_file_that_pip_installs_from_is_a_lock_known_here() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in (".", "policy", "worker_image", "rehearsal/toolchain", ".github", ".ci")
        for path in (ROOT / folder).glob("*requirements*.txt")
    }

    assert found == set(LOCKS)


@pytest.mark.parametrize(
    "line",
    [
        "celery==5.7.0",
        f"celery>=5.7.0 {HASH}",
        "celery==5.7.0 --hash=md5:00",
        f"celery @ git+ssh://somewhere/celery {HASH}",
        "--extra-index-url elsewhere",
        "-r other.txt",
    ],
)
def test_a_line_that_could_install_something_else_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "lock.txt").write_text(f"numpy==2.4.6 \\\n    {HASH}\n    # via celery\n{line}\n")

    with pytest.raises(SupplyError, match=r"lock\.txt: .* `make lock`"):
        read("lock.txt", tmp_path)


def test_a_pin_tells_where_it_counts_and_who_asked_for_it(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text(
        f"Foo_Bar==1.0 ; python_full_version < '3.12' \\\n    {HASH} \\\n    {HASH}\n"
        "    # via\n    #   -c other.txt\n    #   kombu\n"
        f"kombu==5.7.0 \\\n    {HASH}\n    # via celery-fleet (pyproject.toml)\n"
    )

    first, second = read("lock.txt", tmp_path)

    assert (first.name, first.version, len(first.hashes)) == ("foo-bar", "1.0", 2)
    assert first.marker == "python_full_version < '3.12'"
    assert (first.asked_by, first.direct) == (frozenset({"kombu"}), False)
    assert (second.marker, second.asked_by, second.direct) == ("", frozenset(), True)


@pytest.mark.parametrize("script", [".ci/venv", ".ci/policy-venv", "worker_image/Dockerfile"])
def test_what_installs_a_lock_asks_for_its_hashes(script: str) -> None:
    joined = (ROOT / script).read_text().replace("\\\n", " ")
    installs = [line for line in joined.splitlines() if "--requirement" in line]

    assert installs
    assert all("--require-hashes" in line for line in installs)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_a_commit_with_its_version_beside_it(workflow: Path) -> None:
    used = USES.findall(workflow.read_text())

    assert used
    for each in used:
        assert re.fullmatch(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+(\.\d+)*", each), each


def test_workflows_use_one_commit_of_each_action() -> None:
    used = {each for path in WORKFLOWS for each in USES.findall(path.read_text())}
    repositories = {"/".join(each.split("@")[0].split("/")[:2]) for each in used}

    assert len({each.split("@")[1] for each in used}) == len(repositories)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_and_leaves_no_login_behind(workflow: Path) -> None:
    stated = yaml.safe_load(workflow.read_text())
    jobs = stated["jobs"].values()
    checkouts = [
        step
        for job in jobs
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/checkout")
    ]

    may = [stated["permissions"], *(job.get("permissions", {}) for job in jobs)]
    written = {what for each in may for what, how in each.items() if how != "read"}
    # The job's own identity, which AWS trusts, and the comment on a pull request.
    assert written <= {"id-token", "pull-requests"}
    assert stated["permissions"] in ({}, {"contents": "read"})
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("module", MODULE_DISK_MIB)
def test_every_go_module_that_is_required_has_its_checksum_in_git(module: str) -> None:
    text = (MODULES / module / "go.mod").read_text()
    lines = (MODULES / module / "go.sum").read_text().splitlines()
    sums = {tuple(line.split()[:2]) for line in lines}
    replaced = {name: (other, to) for name, other, to in REPLACED.findall(text)}
    required = {replaced.get(name, (name, tag)) for name, tag in REQUIRED.findall(text)}

    assert required
    assert all(re.fullmatch(r"\S+ v\S+ h1:[A-Za-z0-9+/]{43}=", line) for line in lines)
    # Those whose code is not built need only their go.mod.
    assert [one for one in required if not sums & {one, (one[0], f"{one[1]}/go.mod")}] == []


def test_no_go_module_is_replaced_by_a_folder() -> None:
    replacements = [
        line
        for module in MODULE_DISK_MIB
        for line in (MODULES / module / "go.mod").read_text().splitlines()
        if "=>" in line
    ]

    assert replacements
    assert all(REPLACED.fullmatch(line) for line in replacements)


def test_the_images_base_is_a_digest() -> None:
    assert re.fullmatch("[0-9a-f]{64}", base_of_image().sha256)
