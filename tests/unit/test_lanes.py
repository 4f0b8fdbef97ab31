"""Tests of one fleet stay in order on one worker; so do those of a file."""

from tests.lanes import lane


def test_the_tests_of_one_fleet_are_one_lane_and_every_other_file_is_its_own() -> None:
    whole = {
        lane("tests/whole/test_1_scaling.py::test_a"),
        lane("tests/whole/test_2_plain_pulumi.py::test_b[kubectl get -l a/b=c::d]"),
    }

    assert whole == {"tests/whole"}
    assert (
        lane("tests/rehearsal/test_janitor.py::test_a[x::y]") == "tests/rehearsal/test_janitor.py"
    )
