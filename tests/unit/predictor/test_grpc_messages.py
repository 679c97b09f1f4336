"""Our messages are the protocol's: the same names, numbers and types as in KServe's own module."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as theirs
from transfermodel_predictor.grpc import messages
from transfermodel_predictor.grpc.servicer import LOADING, STATUSES

pytestmark = pytest.mark.unit
# KServe's additions, for loading and unloading models.
BEYOND = ("RepositoryModelLoad", "RepositoryModelUnload")


def fields(message: Any) -> dict[str, tuple[int, int, bool, str | None]]:
    """Return name -> number, type, repeated, message's name."""
    return {
        field.name: (
            field.number,
            field.type,
            field.is_repeated,
            field.message_type.full_name if field.message_type else None,
        )
        for field in message.fields
    }


def described(file: Any) -> dict[str, Any]:
    """Return full name -> fields, of messages and of those within."""
    found = {}
    waiting = list(file.message_types_by_name.values())
    while waiting:
        message = waiting.pop()
        found[message.full_name] = fields(message)
        waiting += message.nested_types
    return found


def test_names_numbers_and_types_are_the_protocols() -> None:
    ours, kserves = described(messages.DESCRIPTOR), described(theirs.DESCRIPTOR)
    # The protocol's own file has these, KServe's older one has not.
    added = {name: ours["inference.InferParameter"].pop(name) for name in ("double_param", "uint64_param")}
    assert [number for number, *_ in added.values()] == [4, 5]
    assert len(ours) > 15
    assert ours == {name: kserves[name] for name in ours}
    missing = set(kserves) - set(ours)
    assert all(name.removeprefix("inference.").startswith(BEYOND) for name in missing)


def test_methods_are_the_protocols() -> None:
    def methods(file: Any) -> dict[str, tuple[str, str]]:
        service = file.services_by_name["GRPCInferenceService"]
        return {method.name: (method.input_type.full_name, method.output_type.full_name) for method in service.methods}

    kserves = {name: types for name, types in methods(theirs.DESCRIPTOR).items() if name not in BEYOND}
    assert methods(messages.DESCRIPTOR) == kserves


def test_without_a_port_nothing_of_grpc_is_imported() -> None:
    program = (
        "import sys; import transfermodel_predictor.server;"
        "print([name for name in sys.modules if name.split('.')[0] in ('grpc', 'google', 'opentelemetry')])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_page_lists_each_method_and_status() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "grpc.md").read_text()
    listed = set(re.findall(r"`(\w+)`", "".join(line for line in page.splitlines() if line.startswith("| `"))))
    methods = {method.name for method in messages.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods}
    assert listed >= methods | set(LOADING)
    assert listed >= {status.name for _, status in STATUSES} | {"INTERNAL"}
