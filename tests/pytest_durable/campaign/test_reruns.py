"""Running a test again in its call phase: whole pytest runs in which every test runs five times more."""

from __future__ import annotations

import sys

import pytest

CONFTEST = """
    import pytest

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(item):
        yield
        from pytest_durable.campaign.reruns import Reruns

        __tracebackhide__ = True
        reruns = Reruns(item, lambda: None)
        reruns.begin()
        for number in range(5):
            if reruns.trial() is not None:
                error = reruns.show()
                assert error is not None, "the same run passes now"
                raise error
        reruns.end()
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST)
    return pytester


def run(project: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    project.makepyfile(source)
    return project.runpytest_inprocess("-p", "no:randomly", *arguments)


def test_fixtures_of_function_scope_are_made_anew_and_wider_ones_stay(project: pytest.Pytester) -> None:
    run(
        project,
        """
        import os
        import pytest

        made = []

        @pytest.fixture
        def narrow():
            made.append("narrow")
            yield len(made)
            made.append("undone")

        @pytest.fixture(scope="class", autouse=True)
        def of_class():
            made.append("class")

        @pytest.fixture(scope="module")
        def wide():
            made.append("wide")
            return []

        @pytest.fixture(autouse=True)
        def automatic(monkeypatch):
            assert "SET_BY_TEST" not in os.environ
            monkeypatch.setenv("SET_BY_TEST", "1")

        paths = set()

        @pytest.mark.parametrize("word", ["a", "b"])
        def test_it(word, narrow, wide, tmp_path):
            assert not list(tmp_path.iterdir())
            (tmp_path / "file").write_text(word)
            wide.append(word)

        def test_after(wide):
            assert wide == ["a"] * 6 + ["b"] * 6
            # The class scope of a function outside of a class is that function.
            assert made.count("narrow") == made.count("undone") == 12
            assert made.count("wide") == 1
        """,
    ).assert_outcomes(passed=3)


def test_a_class_gets_a_fresh_instance_for_each_run(project: pytest.Pytester) -> None:
    run(
        project,
        """
        import pytest

        instances, events = [], []

        class TestIt:
            def setup_method(self, method):
                events.append("setup")
                self.value = 1

            def teardown_method(self, method):
                events.append("teardown")

            @pytest.fixture(autouse=True)
            def own(self):
                self.own = 5

            def test_it(self):
                assert not hasattr(self, "touched") and self.value == 1 and self.own == 5
                self.touched = True
                instances.append(self)

        def test_after():
            assert len(set(map(id, instances))) == 6
            assert events == ["setup", "teardown"] * 6
        """,
    ).assert_outcomes(passed=2)


def test_a_test_case_of_unittest_is_run_again(project: pytest.Pytester) -> None:
    run(
        project,
        """
        import unittest

        runs = []

        class ItTest(unittest.TestCase):
            def setUp(self):
                self.value = []

            def tearDown(self):
                runs.append(len(self.value))

            def test_it(self):
                self.value.append(1)

            def test_fails_later(self):
                if len(runs) > 2:
                    self.assertEqual(len(runs), 2)

        def test_after():
            assert runs == [1, 1, 1, 1, 1, 1]
        """,
        "-k",
        "test_it or test_after",
    ).assert_outcomes(passed=2, deselected=1)
    result = project.runpytest_inprocess("-k", "test_fails_later")
    result.assert_outcomes(failed=1, deselected=2)
    assert "self.assertEqual(len(runs), 2)" in result.stdout.str()


COUNTS = """
    import logging
    import warnings
    import pytest

    runs = []

    @pytest.fixture
    def count(request):
        runs.append(1)
        print(f"set up {len(runs)}")
        yield len(runs)
        print(f"torn down {len(runs)}")
"""


def test_the_failing_run_alone_is_heard(project: pytest.Pytester) -> None:
    result = run(
        project,
        f"""{COUNTS}
    def test_it(count, record_property, caplog):
        print(f"run {{count}}")
        logging.warning("logged %s", count)
        warnings.warn(f"warned {{count}}")
        record_property("count", count)
        assert [record.args for record in caplog.records] == [(count,)]
        assert count < 3
    """,
        "-Wdefault",
        "-o",
        "junit_family=xunit1",
        "--junitxml=out.xml",
    )
    result.assert_outcomes(failed=1, warnings=2)
    text = result.stdout.str()
    # The third run fails, so the fourth is the one that is shown.
    assert "assert 4 < 3" in text
    assert [f"run {n}" in text for n in range(1, 7)] == [False, False, False, True, False, False]
    assert [f"logged {n}" in text for n in range(1, 7)] == [False, False, False, True, False, False]
    # Warnings of the ordinary run are heard, as ever.
    assert [f"warned {n}" in text for n in range(1, 7)] == [True, False, False, True, False, False]
    properties = (project.path / "out.xml").read_text()
    assert properties.count('<property name="count"') == 2


def test_a_test_that_passes_shows_its_ordinary_run(project: pytest.Pytester) -> None:
    result = run(
        project,
        f"""{COUNTS}
    def test_it(count):
        print(f"run {{count}}")
        logging.warning("logged %s", count)
    """,
        "-rP",
        "--log-file=log.txt",
    )
    text = result.stdout.str()
    assert [f"run {n}" in text for n in range(1, 7)] == [True] + [False] * 5
    assert [f"logged {n}" in text for n in range(1, 7)] == [True] + [False] * 5
    assert (project.path / "log.txt").read_text().count("logged") == 1


@pytest.mark.parametrize("option", ["-s", "--capture=sys", "--capture=tee-sys", "-pno:logging"])
def test_it_works_however_output_is_captured(project: pytest.Pytester, option: str) -> None:
    run(
        project,
        """
        runs = []

        def test_it(capsys):
            print("words")
            assert capsys.readouterr().out == "words\\n"
            runs.append(1)

        def test_after():
            assert len(runs) == 6
        """,
        option,
    ).assert_outcomes(passed=2)


def test_setup_is_shown_once(project: pytest.Pytester) -> None:
    result = run(project, COUNTS + "    def test_it(count): pass\n", "--setup-show")
    result.assert_outcomes(passed=1)
    assert result.stdout.str().count("SETUP    F count") == 1


def test_a_failing_setup_or_teardown_fails_the_test(project: pytest.Pytester) -> None:
    result = run(
        project,
        f"""{COUNTS}
    @pytest.fixture
    def breaks_in_setup(count):
        assert count < 3, "in setup"

    @pytest.fixture
    def breaks_in_teardown(count):
        yield
        assert count < 9, "in teardown"

    def test_setup(breaks_in_setup): pass

    def test_teardown(breaks_in_teardown): pass

    def test_after(count):
        assert count
    """,
        "--tb=short",
    )
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(["*AssertionError: in setup*", "*AssertionError: in teardown*"])


def test_skips_and_expected_failures_keep_their_meaning(project: pytest.Pytester) -> None:
    run(
        project,
        f"""{COUNTS}
    def test_skips_at_once(count):
        pytest.skip("now")

    def test_skips_later(count):
        if count % 2:
            pytest.skip("sometimes")

    def test_says_that_it_fails(count):
        if count % 2:
            pytest.xfail("sometimes")

    @pytest.mark.xfail(strict=True)
    def test_fails_later(count):
        assert count < 15, 'later'

    @pytest.mark.xfail(strict=True)
    def test_never_fails(count): pass
    """,
    ).assert_outcomes(skipped=1, passed=2, xfailed=1, failed=1)


def test_the_end_of_the_session_ends_the_runs(project: pytest.Pytester) -> None:
    result = run(
        project,
        f"""{COUNTS}
    def test_it(count):
        if count == 3:
            pytest.exit("enough")

    def test_after(): pass
    """,
    )
    assert "enough" in result.stdout.str() + result.stderr.str()
    result.assert_outcomes()


def test_the_failing_run_is_the_one_that_is_debugged(project: pytest.Pytester) -> None:
    path = project.makepyfile(
        f"""{COUNTS}
    def test_it(count):
        assert count < 3
    """
    )
    result = project.run(sys.executable, "-m", "pytest", "--pdb", path, stdin=b"p (count, len(runs))\nq\n")
    text = result.stdout.str()
    assert "assert 4 < 3" in text
    assert "(Pdb) (4, 4)" in text


def test_other_tests_are_set_up_and_torn_down_as_ever(project: pytest.Pytester) -> None:
    run(
        project,
        """
        import pytest

        events = []

        @pytest.fixture(scope="class", params=["x", "y"])
        def wide(request):
            events.append(f"+{request.param}")
            yield request.param
            events.append(f"-{request.param}")

        class TestIt:
            def test_a(self, wide): events.append("a")
            def test_b(self, wide): events.append("b")

        def test_after():
            half = ["a"] * 6 + ["b"] * 6
            assert events == ["+x", *half, "-x", "+y", *half, "-y"]
        """,
    ).assert_outcomes(passed=5)
