"""The checks of tests/run can fail: arrows, coverage rows, and the counting of results."""
import check_arrows
import check_coverage
import pytest
from runner import suites


@pytest.mark.parametrize("name, target", [
    ("common/mime/parser.cpp", "common/log/log.h"),
    ("common/base/strings.cpp", "common/crypto/crypto.h"),
    ("common/http/server.cpp", "common/testing/temp_database.h"),
    ("common/store/x.cpp", "mta/app.h"),
    ("mta/session/session.cpp", "imapd/app.h"),
    ("imapd/protocol/lexer.cpp", "common/net/stream.h"),
    ("imapd/service/view.cpp", "imapd/commands/fetch.h"),
    ("common/unheard/x.cpp", "common/base/result.h"),
])
def test_wrong_includes_are_found(name, target):
    assert check_arrows.fault(name, target)


@pytest.mark.parametrize("name, target", [
    ("common/mime/parser.cpp", "common/base/result.h"),
    ("common/mime/parser.cpp", "common/mime/parser.h"),
    ("imapd/commands/fetch.cpp", "imapd/service/view.h"),
    ("imapd/protocol/lexer.cpp", "common/base/strings.h"),
    ("tests/unit/common/net/x_test.cpp", "common/testing/temp_database.h"),
])
def test_right_includes_pass(name, target):
    assert check_arrows.fault(name, target) is None


def test_coverage_rows_name_what_exists():
    assert check_coverage.fault("tests/integration/test_tools.py") is None
    assert check_coverage.fault("tests/integration/test_tools.py::test_coverage_rows_name_what_exists") is None
    assert check_coverage.fault("tests/integration/none.py")
    assert check_coverage.fault("tests/integration/conftest.py::no such case")


@pytest.mark.parametrize("status, output, counts", [
    (0, "All tests passed (9 assertions in 3 test cases)\n", (3, 0)),
    (2, "test cases:  16 |  14 passed | 2 failed\nassertions: 9 | 7 passed | 2 failed\n", (14, 2)),
    (1, "test cases: 1 | 1 failed\nassertions: 1 | 1 failed\n", (0, 1)),
    (0, "test cases: 5 | 4 passed | 1 failed as expected\n", (4, 0)),
    (0, "No tests ran\n", (0, 1)),
    (-11, "", (0, 1)),
    (-6, "test cases:  2 |  2 passed\n", (2, 1)),
    (1, "All tests passed (9 assertions in 3 test cases)\n==1==ERROR: LeakSanitizer\n", (0, 1)),
])
def test_catch_results_are_counted(status, output, counts):
    assert suites.catch_counts(status, output) == counts


@pytest.mark.parametrize("status, output, counts", [
    (0, "5 passed in 1.2s", (5, 0)),
    (1, "2 failed, 5 passed, 1 error in 3s", (5, 3)),
    (5, "no tests ran in 0.1s", (0, 1)),
])
def test_pytest_results_are_counted(status, output, counts):
    assert suites.pytest_counts(status, output) == counts
