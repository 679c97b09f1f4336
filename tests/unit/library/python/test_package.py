"""`import transfermodel`: everything is there, and nothing is imported before it is used."""

import inspect
import subprocess
import sys

import pytest
import transfermodel

pytestmark = pytest.mark.unit


def test_everything_that_is_promised_is_there_and_documented() -> None:
    for name in transfermodel.__all__:
        assert inspect.getdoc(getattr(transfermodel, name)), name
    assert set(transfermodel.__all__) <= set(dir(transfermodel))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'train_everything'"):
        _ = transfermodel.train_everything


def test_importing_it_imports_nothing_else() -> None:
    program = """
import sys
import transfermodel
heavy = {name.partition(".")[0] for name in sys.modules} & {"pydantic", "yaml", "numpy", "PIL", "torch", "httpx"}
assert not heavy, heavy
from transfermodel import run, load, Result, transfer_model
heavy = {name.partition(".")[0] for name in sys.modules} & {"numpy", "PIL", "torch", "onnxruntime", "kserve"}
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
