"""Names of previews: one for a branch, valid wherever a preview is named, unlike any other's."""

import random
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from celery_policy.rule import PREVIEW
from fleet.previews.naming import NAME_LONGEST, is_preview, key_prefix, preview_name
from fleet.project import checked_stack_name
from infra import names
from infra.models.broker import KeyPrefix
from infra.models.types import NamespaceName

BRANCHES = 10_000
# RFC 1035: of a Service and of a DNS label; and ElastiCache's rule for the ids of users.
LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
CACHE_ID_LONGEST = 40
NAMESPACE, PREFIX = TypeAdapter(NamespaceName), TypeAdapter(KeyPrefix)
WORDS = ("feature", "Fix", "fix", "FIX", "dependabot", "pip", "release-1.2", "jörg", "日本", "ß")
SYMBOLS = "/-_.+#@!()"
# Letters of every kind, without surrogates, which no text has.
LETTERS = [chr(code) for code in (*range(0x20, 0xD7FF, 7), *range(0x1F300, 0x1F900, 5))]


@pytest.fixture(scope="module")
def named() -> dict[str, str]:
    """Branches by chance, a fifth of each kind, and their names."""
    draw, found = random.Random(1), {""}  # noqa: S311 - for tests, the same each time
    while len(found) < BRANCHES:
        alike = "/".join(draw.choices(WORDS, k=draw.randint(1, 5)))
        found |= {
            alike,
            "".join(draw.choice((letter, letter.upper())) for letter in alike),
            "".join(draw.choices(LETTERS, k=draw.randint(1, 40))),
            "".join(draw.choices(SYMBOLS, k=draw.randint(1, 20))),
            "".join(draw.choices("xy/", k=250)),
        }
    return {branch: preview_name(branch) for branch in sorted(found)}


def test_no_two_branches_share_a_name(named: dict[str, str]) -> None:
    assert len(set(named.values())) == len(named)


def test_every_name_is_valid_everywhere(named: dict[str, str]) -> None:
    assert not [(branch, name) for branch, name in named.items() if list(problems(name))]


@given(st.text(), st.text())
def test_whatever_a_branch_is_called(one: str, other: str) -> None:
    assert not list(problems(preview_name(one)))
    assert (preview_name(one) == preview_name(other)) is (one == other)


def problems(name: str) -> Iterator[str]:
    NAMESPACE.validate_python(name)
    PREFIX.validate_python(key_prefix(name))
    checked_stack_name(name)
    users = [names.cache_user(name, user) for user in (*names.CACHE_USERS, "users")]
    if not LABEL.fullmatch(name) or len(name) > NAME_LONGEST:
        yield "label"
    if "--" in name or max(map(len, users)) > CACHE_ID_LONGEST:
        yield "ElastiCache user"
    if not is_preview(name) or not re.search(PREVIEW, name):
        yield "not told from other stacks"


def test_a_name_never_changes_for_it_is_the_state_of_a_stack() -> None:
    assert preview_name("feature/Scrape-faster") == "preview-feature-scrape-4nvtqj2k"


def test_what_differs_in_case_alone_has_names_of_its_own() -> None:
    assert preview_name("fix/A") != preview_name("fix/a")


def test_a_branch_of_no_letters_still_has_a_name() -> None:
    assert preview_name("///").startswith("preview-branch-")
    assert preview_name("日本").startswith("preview-branch-")


def test_accents_are_dropped_before_letters_are() -> None:
    assert preview_name("übergröße").startswith("preview-ubergroe-")


@pytest.mark.parametrize("stack", ["staging", "preview", "preview-x", "preview-a--b-abcdefgh"])
def test_other_stacks_are_no_previews(stack: str) -> None:
    assert not is_preview(stack)
