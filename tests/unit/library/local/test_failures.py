"""The trainer's sentences, where there is no cluster."""

import ast
from pathlib import Path

import pytest
import transfermodel_predictor
import transfermodel_trainer
from transfermodel.errors import DataInvalid, DocumentInvalid, RunFailed, Unreachable
from transfermodel.local import failures
from transfermodel_operator.api import FailureClass, Reason, RunFailure

pytestmark = pytest.mark.unit
LOG = Path("/work/models/default/digits/run.log")


def failure(reason: Reason, message: str, kind: FailureClass = FailureClass.USER) -> RunFailure:
    """Return what the trainer would have written."""
    return RunFailure(failure=kind, reason=reason, message=message)


def literals(package: Path) -> str:
    """Return all texts of a package's source, one a line; what is filled in is left out."""
    found = []
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                found.append("{}".join(str(part.value) for part in node.values if isinstance(part, ast.Constant)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def test_every_sentence_that_is_replaced_is_one_that_is_said() -> None:
    said = "".join(
        literals(Path(str(package.__file__)).parent) for package in (transfermodel_trainer, transfermodel_predictor)
    )
    missing = [theirs for theirs, _ in failures.HERE if theirs not in said]
    assert missing == []


def test_the_uri_is_shown_as_it_was_written() -> None:
    said = failure(Reason.DATA_INVALID, "spec.data.train.uri: file:///home/me/digits/train holds one class.")
    error = failures.error_of(said, {"file:///home/me/digits/train": "./train"}, LOG)
    assert str(error) == "spec.data.train.uri: ./train holds one class."
    assert isinstance(error, DataInvalid)


def test_words_of_the_cluster_are_put_right() -> None:
    said = failure(
        Reason.DATA_ACCESS_DENIED,
        "spec.data.train.uri: Access to read s3://bucket/train is denied. Check the keys in the Secret, and what they "
        "allow. (AccessDenied) The secret is the one of spec.data.credentialsSecretName.",
    )
    error = failures.error_of(said, {}, LOG)
    assert isinstance(error, Unreachable)
    assert "AWS_ACCESS_KEY_ID" in error.message
    assert "ecret is" not in error.message
    assert "credentialsSecretName" not in error.message


@pytest.mark.parametrize(
    ("reason", "kind", "expected"),
    [
        (Reason.TOO_FEW_CLASSES, FailureClass.USER, DataInvalid),
        (Reason.INVALID_SPEC, FailureClass.USER, DocumentInvalid),
        (Reason.STORAGE_UNAVAILABLE, FailureClass.STORAGE, Unreachable),
        (Reason.OUT_OF_MEMORY, FailureClass.USER, RunFailed),
    ],
)
def test_the_exit_status_tells_who_can_mend_it(reason: Reason, kind: FailureClass, expected: type[Exception]) -> None:
    assert type(failures.error_of(failure(reason, "Something is wrong.", kind), {}, LOG)) is expected


def test_a_crash_names_the_log() -> None:
    message = "The trainer crashed: KeyError: 'x'; the pod's log shows where."
    error = failures.error_of(failure(Reason.RUN_FAILED, message, FailureClass.RUN), {}, LOG)
    assert str(error) == f"The trainer crashed: KeyError: 'x'. The log shows where: {LOG}."


@pytest.mark.parametrize(
    "message",
    [
        "The trainer crashed: OSError: [Errno 28] No space left on device; the pod's log shows where.",
        "The trainer crashed: SafetensorError: Error while serializing: I/O error: (os error 28)",
    ],
)
def test_a_full_disk_is_told_as_such(message: str) -> None:
    error = failures.error_of(failure(Reason.RUN_FAILED, message, FailureClass.RUN), {}, LOG)
    assert str(error).startswith(f"No space is left on the disk of {LOG.parent}. Free some")


def test_a_disk_that_is_too_full_for_an_outcome_is_told_by_the_log(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    log.write_text("OSError: [Errno 28] No space left on device\n" + "x" * 5000)
    assert "status 1" in failures.silent_end(1, log).message  # long ago
    log.write_text("x" * 5000 + "\nThe outcome could not be written: [Errno 28] No space left on device\n")
    assert failures.silent_end(1, log).message == f"No space is left on the disk of {tmp_path}."


def test_a_killed_trainer_was_most_likely_too_large() -> None:
    assert "ran out of memory" in failures.silent_end(-9, LOG).message
    assert "signal 11" in failures.silent_end(-11, LOG).message
    assert "status 3" in failures.silent_end(3, LOG).message
