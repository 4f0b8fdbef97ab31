"""Every command of a runbook is tried somewhere, or a reason is given why it cannot be."""

import pytest

from tests.unit.runbook_commands import ELSEWHERE, FOLDER, MENDS, READS, Command, commands

COMMANDS = commands()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.printed)
def test_each_command_has_a_place_where_it_is_tried(command: Command) -> None:
    assert command.place is not None, f"in no table: {command.printed} ({command.pages})"


def test_no_table_tells_of_commands_that_no_page_has() -> None:
    printed = [command.printed for command in COMMANDS]

    assert set(MENDS) <= set(printed)
    for begin in (*READS, *ELSEWHERE):
        assert any(each.startswith(begin) for each in printed), begin


def test_each_page_has_commands_and_no_other_kind_of_line_in_a_console() -> None:
    pages = {page for command in COMMANDS for page in command.pages}

    assert pages == {page.stem for page in FOLDER.glob("[A-Z]*.md")}


def test_what_changes_a_stack_names_it() -> None:
    for command in COMMANDS:
        if command.printed.startswith(("pulumi ", "fleet ")):
            assert command.printed.endswith("-s prod"), command


def test_what_looks_into_a_namespace_names_it() -> None:
    for command in COMMANDS:
        if command.printed.startswith("kubectl "):
            words = command.printed.split()
            of_nodes = words[1:3] == ["get", "node"]
            assert of_nodes or "-n" in words or "-A" in words, command
