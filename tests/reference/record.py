"""Run the live comparisons with the reference and store its numbers.

    pip install -e '.[test,reference]'
    python tests/reference/record.py [FILE ...]

Each file of tests that compares has one file of numbers beside this script, of at most
250 kB. Look at what changed before you commit it: ``git diff --stat tests/reference``.
"""

import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).parents[1]

if __name__ == "__main__":
    files = sys.argv[1:] or [str(TESTS)]
    sys.exit(pytest.main(["-m", "reference", "--record-reference", *files]))
