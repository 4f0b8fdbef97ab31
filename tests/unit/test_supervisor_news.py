"""What happened is told once, in one line a process, with what became of it."""

from pathlib import Path

from rehearsal.supervisor.news import add_news, describe_log, log_tail, render_news, take_news


def test_an_item_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "news"
    add_news(path, "the port moved")

    assert [item.text for item in take_news(path)] == ["the port moved"]
    assert take_news(path) == []


def test_no_news_is_no_news(tmp_path: Path) -> None:
    assert take_news(tmp_path / "none") == []


def test_a_death_names_its_cause_its_log_and_what_became_of_it(tmp_path: Path) -> None:
    path, log = tmp_path / "news", tmp_path / "etcd.log"
    add_news(path, "killed by signal 9, SIGKILL", "etcd", log)

    (line,) = render_news(take_news(path), {"etcd": "running"})

    assert line.startswith("etcd died at ")
    assert "(killed by signal 9, SIGKILL) and was restarted and runs" in line
    assert str(log) in line


def test_many_deaths_of_one_process_make_one_line(tmp_path: Path) -> None:
    path = tmp_path / "news"
    for code in (1, 2, 3):
        add_news(path, f"exit code {code}", "broker", tmp_path / "broker.log")
    add_news(path, "exit code 1", "etcd", tmp_path / "etcd.log")

    lines = render_news(take_news(path), {"broker": "backing off"})

    assert len(lines) == 2
    assert lines[0].startswith("broker died 3 times, last at ")
    assert "(exit code 3) and is backing off" in lines[0]
    assert "is not running" in lines[1]


def test_a_cut_item_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "news"
    path.write_text('{"at": 1.0, "te\n')
    add_news(path, "after it")

    told = [item.text for item in take_news(path)]

    assert "broken" in told[0]
    assert told[1] == "after it"


def test_the_end_of_a_log_is_shown_and_an_empty_one_is_called_so(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert describe_log(log) == "its log is empty"

    log.write_text("".join(f"line {number}\n" for number in range(5000)))

    assert log_tail(log, lines=2) == "line 4998\nline 4999"
