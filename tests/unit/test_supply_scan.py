"""No file holds a secret, and one that is planted is found."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

from supply import scan
from supply.locks import ROOT, SupplyError
from supply.scan import ALLOWED, Found, allowed, found, main, tree

PARTS = 8
# In pieces, so that this file is clean itself.
DASHES = "-" * 5
PLANTED = {
    "AWS's key": ("deploy.sh", "export AWS_ACCESS_KEY_ID=" + "AKIA" + "QX7ZP3MVT5WJ2KDB"),
    "AWS's secret key": (
        "a.py",
        "aws_" + 'secret_access_key = "' + "wJalrXUtnF" + "EMI/K7MDENG/x" + '"',
    ),
    "a password in Python": ("a.py", "pass" + 'word = "Tr0ub4dor-and-3"'),
    "a password in YAML": ("a.yaml", "pass" + "word: Tr0ub4dor-and-3"),
    "a login in a URL": ("a.md", "rediss://fleet:" + "q8Zr2nVw" + "@broker:6379/0"),
    "a private key": ("a.pem", f"{DASHES}BEGIN " + f"RSA PRIVATE KEY{DASHES}"),
    "GitHub's token": ("a.txt", "ghp" + "_" + "zzB2c3D4e5F6" + "g7H8i9J0k1L2" + "m3N4o5P6q7R8"),
    "Slack's webhook": (
        "a.yaml",
        "https://hooks.slack" + ".com/services/T0A1B2C3D/B0A1/" + "x" * 24,
    ),
    "a token in hex": (
        "a.py",
        'mark = "' + "4f1c9a7 e03d8b2 65e07a9 1fc3d48".replace(" ", "") + '"',
    ),
    "Pulumi's state": ("s.json", '"secrets' + '_providers": {"type": "passphrase"}'),
    "Pulumi's salt": ("Pulumi.dev.yaml", "encryption" + "salt: v1:6fAcZ0pJq+Q=:v1:Kd8x"),
    "Pulumi's passphrase": (".env", "PULUMI_CONFIG_" + "PASSPHRASE=battery-staple"),
    "Pulumi's token": (
        "a.sh",
        "pulumi login --token pul" + "-" + "4f1c9a7" * 5 + "e03d8",
    ),
}


@pytest.mark.parametrize("part", range(PARTS))
def test_every_string_that_looks_like_a_secret_has_a_reason(part: int) -> None:
    reasons = allowed(ALLOWED.read_text())

    left = [
        str(one)
        for one in found(tree()[part::PARTS])
        if not any(each.covers(one) for each in reasons)
    ]

    assert left == [], f"`make secrets` tells what to do; reasons stand in supply/{ALLOWED.name}"


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_secret_is_found_and_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file, line = PLANTED[name]
    (tmp_path / file).write_text(f"first\n{line}\n")
    monkeypatch.setattr(scan, "found", lambda names: list(found(names, tmp_path)))

    assert main([file]) == 1

    told = capsys.readouterr().err
    assert told.startswith(f"{file}:2: ")
    assert "Take them out" in told
    assert line not in told


def test_a_comment_that_allows_a_line_without_a_reason_allows_nothing(tmp_path: Path) -> None:
    line = PLANTED["AWS's key"][1]
    (tmp_path / "a.sh").write_text(f"{line}  # pragma: allowlist secret\n")

    assert list(found(["a.sh"], tmp_path))


def test_what_is_read_from_elsewhere_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('password = environ["PASSWORD"]\ntoken = "${TOKEN}"\n')

    assert not list(found(["a.py"], tmp_path))


def test_what_is_allowed_is_so_in_its_files_only() -> None:
    (one,) = allowed("- {reason: made up, files: {tests/*: [abc]}}")

    assert one.covers(Found("tests/unit/test_a.py", 1, "any", "abc"))
    assert not one.covers(Found("tests/unit/test_a.py", 1, "any", "abd"))
    assert not one.covers(Found("infra/a.py", 1, "any", "abc"))


@pytest.mark.parametrize("text", ["- {files: {a.py: [abc]}}", "- {reason: made up}"])
def test_an_allowed_string_needs_a_reason(text: str) -> None:
    with pytest.raises(SupplyError, match="needs reason and files"):
        allowed(text)


def test_files_with_allowed_strings_are_there() -> None:
    names = tree()

    assert not [
        one.files
        for one in allowed(ALLOWED.read_text())
        if not any(fnmatchcase(name, one.files) for name in names)
    ]


def test_the_hook_scans_what_is_to_be_committed_with_this_scanner() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (hook,) = [each for each in config["repos"][0]["hooks"] if each["id"] == "secrets"]

    assert hook["entry"] == ".venv/bin/python -m supply.scan"
    assert hook.get("pass_filenames", True)
    assert hook["types"] == ["text"]


def test_a_new_file_that_git_does_not_know_yet_is_scanned_and_an_ignored_one_is_not() -> None:
    assert {".gitignore", "supply/scan.py"} <= set(tree())
    assert not [name for name in tree() if name.startswith((".venv/", ".state/"))]
