"""Where a backbone's weights come from. No pickle is ever loaded but torchvision's own, and that with weights_only."""

import hashlib
import threading
import urllib.error
import urllib.request
from pathlib import Path

import safetensors
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor
from transfermodel_operator.api import Reason

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.errors import RunError, StorageFailure, listed

CONNECT_SECONDS = 8.0


def sha256_of(path: Path) -> str:
    """Return "sha256:…" of the file."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def named_weights(name: str, weights: str) -> torchvision.models.WeightsEnum:
    """Return torchvision's entry for the weights of an architecture.

    Raises:
        RunError: WeightsUnavailable, with the names that there are.
    """
    entries = torchvision.models.get_model_weights(name)
    if weights not in entries.__members__:
        known = list(entries.__members__)
        raise RunError(
            Reason.WEIGHTS_UNAVAILABLE,
            f"spec.backbone.weights.name {weights} does not exist for torchvision/{name}: it has {listed(known, 12)}.",
        )
    return entries[weights]


def download_named(name: str, weights: str, cache: Path) -> Path:
    """Return torchvision's weights as a safetensors file, from the cache or downloaded and converted once.

    Raises:
        RunError: WeightsUnavailable.
    """
    entry = named_weights(name, weights)
    converted = cache / f"{name}-{entry.name}.safetensors"
    if converted.exists():
        return converted
    try:
        _reach(entry.url)
        state = entry.get_state_dict(
            progress=False, check_hash=True, weights_only=True, model_dir=str(cache), map_location="cpu"
        )
    except (OSError, RuntimeError) as error:  # URLError and timeouts are OSErrors; a wrong hash is a RuntimeError
        raise StorageFailure(
            Reason.WEIGHTS_UNAVAILABLE,
            f"The weights {entry.name} of torchvision/{name} could not be downloaded from {entry.url} "
            f"({_cause(error)}): "
            "let the training pod reach that host, or store the weights as a .safetensors file and set "
            "spec.backbone.weights.uri instead of name.",
        ) from error
    temporary = converted.with_suffix(".partial")
    save_file({key: value.contiguous() for key, value in state.items()}, temporary)
    temporary.replace(converted)
    (cache / entry.url.rsplit("/", 1)[-1]).unlink(missing_ok=True)
    return converted


def _reach(url: str) -> None:
    """Raise OSError unless the server answers soon: the loader itself would wait for minutes, and so would DNS."""
    outcome: list[OSError | None] = []

    def attempt() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - torchvision's own https address
            urllib.request.urlopen(request, timeout=CONNECT_SECONDS).close()  # noqa: S310
            outcome.append(None)
        except OSError as error:
            outcome.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if not outcome:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS:.0f} s")
    if outcome[0] is not None:
        raise outcome[0]


def _cause(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(reason).strip() or type(error).__name__


def read_safetensors(path: Path, source: str) -> dict[str, Tensor]:
    """Return the tensors of the file; half precision is widened to float32.

    Raises:
        RunError: WeightsMismatch when it is not a safetensors file.
    """
    try:
        state = load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise RunError(
            Reason.WEIGHTS_MISMATCH,
            f"{source} is not a readable .safetensors file ({error}): store it anew with safetensors.",
        ) from error
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def load_trunk(network: Network, state: dict[str, Tensor], source: str) -> None:
    """Load a torchvision state dict into the trunk; the classifier is dropped, everything else must fit.

    Raises:
        RunError: WeightsMismatch, naming the first tensors that are missing, unexpected or misshapen.
    """
    given = {key: value for key, value in state.items() if not network.is_classifier(key)}
    wanted = network.trunk.state_dict()
    # Files written before PyTorch counted batches lack this counter, which inference never reads.
    missing = sorted(key for key in wanted.keys() - given.keys() if not key.endswith("num_batches_tracked"))
    unexpected = sorted(given.keys() - wanted.keys())
    misshapen = [
        f"{key} is {_shape(given[key])} and should be {_shape(wanted[key])}"
        for key in wanted
        if key in given and given[key].shape != wanted[key].shape
    ]
    problems = []
    if missing:
        problems.append(f"missing: {listed(_in_order(missing, wanted), 3)}")
    if unexpected:
        problems.append(f"unexpected: {listed(unexpected, 3)}")
    if misshapen:
        problems.append(f"misshapen: {listed(misshapen, 3)}")
    if problems:
        fixed = any("pos_embed" in text or "position" in text for text in misshapen)
        remedy = (
            f" This architecture has a fixed input size: set spec.backbone.input.size to that of the weights (often "
            f"{_native(network)})."
            if fixed
            else " Name the architecture that the weights were made for, with torchvision's own tensor names."
        )
        raise RunError(
            Reason.WEIGHTS_MISMATCH, f"{source} does not fit torchvision/{network.name}: {'; '.join(problems)}.{remedy}"
        )
    with torch.no_grad():
        network.trunk.load_state_dict(given, strict=False)


def _native(network: Network) -> int:
    size: int = torchvision.models.get_model_weights(network.name).DEFAULT.transforms().crop_size[0]
    return size


def _in_order(keys: list[str], wanted: dict[str, Tensor]) -> list[str]:
    chosen = set(keys)
    return [key for key in wanted if key in chosen]


def _shape(tensor: Tensor) -> str:
    return "x".join(str(length) for length in tensor.shape) or "a single number"
