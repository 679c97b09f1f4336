"""The README's demo, as a user runs it."""

import os
import subprocess
import sys

import pytest

from tests.support.stack import REPOSITORY, Stack


@pytest.mark.timeout(1500)
def test_the_digits_demo(stack: Stack) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "examples.digits.demo"],
        cwd=REPOSITORY,
        env=os.environ | {"KUBECONFIG": stack.kubeconfig},
        capture_output=True,
        text=True,
        check=False,
        timeout=1400,
    )
    print(answer.stdout)
    assert answer.returncode == 0, answer.stderr
    for word in ("transfer", "scratch", "untrained", "raw pixels", "curl"):
        assert word in answer.stdout
