"""The status page's files: open, without data, and with nothing that its policy would not run."""

import re

import pytest
from fastapi import FastAPI

from tests.unit.worker_api_stage import Fleet, ask, ports
from worker_image.api_page import PAGE
from worker_image.api_routes import create_api
from worker_image.broker import BrokerAwayError

SVG_NAMESPACE = "http://www.w3.org/2000/svg"


@pytest.fixture
def api() -> FastAPI:
    fleet = Fleet(trouble=BrokerAwayError("gone"))
    return create_api(ports(fleet), "s3cret")


@pytest.mark.parametrize("path", PAGE)
def test_the_page_is_shown_without_a_token_and_without_a_broker(api: FastAPI, path: str) -> None:
    answer = ask(api, "GET", path, token="none")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(PAGE[path][1])
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_policy_allows_the_pages_own_files_and_nothing_else(api: FastAPI) -> None:
    policy = ask(api, "GET", "/").headers["content-security-policy"]

    told = dict(part.split(" ", 1) for part in policy.split("; "))
    assert told["default-src"] == told["frame-ancestors"] == told["form-action"] == "'none'"
    assert {told[f"{kind}-src"] for kind in ("script", "style", "connect")} == {"'self'"}
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", PAGE)
def test_no_file_names_another_host_or_runs_inline(api: FastAPI, path: str) -> None:
    text = ask(api, "GET", path).text.replace(SVG_NAMESPACE, "")

    assert not re.search(r"https?:|[\"'(]//", text)
    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", text)


@pytest.mark.parametrize("path", ["/status/../api.py", "/status/page.html", "/status/"])
def test_no_other_path_is_open(api: FastAPI, path: str) -> None:
    assert ask(api, "GET", path, token="none").status_code == 401
