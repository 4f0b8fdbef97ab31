"""Arguments are checked against the task's own signature, in API and worker alike."""

from typing import Annotated, Any

import pytest
from pydantic import Field

from worker_image.arguments import ArgumentsError, checked
from worker_image.tasks.canary import work
from worker_image.tasks.scraping import fetch_page


def task(path: str, count: Annotated[int, Field(ge=1)], share: float = 0.5) -> None:
    """Stand for a task."""


@pytest.mark.parametrize(
    ("kwargs", "told"),
    [
        ({"path": "x"}, "count: is required"),
        ({"path": "x", "count": 1, "size": 2}, "size: is no argument of this task"),
        ({"path": 3, "count": 1}, "path: Input should be a valid string"),
        ({"path": "x", "count": "1"}, "count: Input should be a valid integer"),
        ({"path": "x", "count": True}, "count: Input should be a valid integer"),
        ({"path": "x", "count": 0}, "count: Input should be greater than or equal to 1"),
    ],
)
def test_wrong_arguments_are_named(kwargs: dict[str, Any], told: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        checked(task, kwargs)

    assert told in str(caught.value)


def test_only_what_was_given_is_passed_on() -> None:
    assert checked(task, {"path": "x", "count": 2, "share": 1}) == {
        "path": "x",
        "count": 2,
        "share": 1,
    }
    assert checked(task, {"path": "x", "count": 2}) == {"path": "x", "count": 2}


def test_the_worker_refuses_what_another_publisher_sent() -> None:
    with pytest.raises(ArgumentsError, match="seconds: Input should be greater than or equal"):
        work(seconds=-1.0)


def test_a_task_that_retries_by_itself_is_checked_too() -> None:
    with pytest.raises(ArgumentsError, match="url: is required"):
        checked(fetch_page.run, {})
