"""What type checkers are told is true of the package, and enough for a program."""

import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("mypy", reason="mypy is not installed: pip install mypy")
PROGRAM = pathlib.Path(__file__).parent / "typing" / "program.py"


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """One for all, so that mypy finds what it knows already."""
    return tmp_path_factory.mktemp("types")


def run(directory, *arguments):
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=directory, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_program_that_is_typed(directory):
    run(directory, "mypy", "--strict", "--warn-unused-ignores", str(PROGRAM))


def test_the_package_itself(directory):
    run(directory, "mypy", "--strict", "-p", "astensor")


@pytest.mark.skipif(sys.version_info < (3, 10), reason="the mypy of Python 3.9 trips over typing.Any")
def test_stubs_are_as_the_extension_is(directory):
    # Before 3.12, Python has no name for the buffer protocol; type checkers want one.
    (directory / "allowed").write_text(r".*\.Tensor\.__buffer__")
    run(directory, "mypy.stubtest", "astensor", "--allowlist", "allowed", "--ignore-unused-allowlist")
