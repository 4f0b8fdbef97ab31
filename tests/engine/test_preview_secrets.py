"""Previews of a base whose secrets a key of KMS opens, by moto: as in CI, without a passphrase."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from fleet.previews import down
from fleet.stack_file import TOKEN_KEY
from rehearsal.toolchain import Tools
from tests.engine.bucket_stage import Stage, staged
from tests.unit.preview_stage import NAME

pytestmark = pytest.mark.engine


@pytest.fixture
def stage(
    tmp_path: Path, tools: Tools, plugin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    for each in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(each, raising=False)
    with staged(tmp_path / "project", tools.pulumi, plugin_folder, by_key=True) as made:
        yield made


def test_each_job_has_a_checkout_of_its_own_and_no_passphrase(stage: Stage) -> None:
    stage.bring_up_base()
    file = stage.place.project.stack_file(NAME)

    for _ in range(2):
        stage.made(up=True)
        stated = yaml.safe_load(file.read_text())
        assert stated["secretsprovider"].startswith("awskms://")
        assert set(stated["config"][TOKEN_KEY]) == {"secure"}
        # The next job's has none.
        file.unlink()

    assert down.run(stage.place, stage.engine(), NAME, Console(file=io.StringIO()))
    assert [key for key in stage.objects() if NAME in key] == []
