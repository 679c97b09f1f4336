"""Pages that are written by hand name everything that the code has."""

import re
from pathlib import Path

import pytest
from starlette.routing import Route
from transfermodel_predictor.application.app import application
from transfermodel_predictor.artifact import names
from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.configuration import MEGABYTE, Configuration, Limits
from transfermodel_predictor.inference import audio
from transfermodel_predictor.inference.decode import FORMATS
from transfermodel_predictor.inference.text import CHARACTERS_PER_TOKEN
from transfermodel_predictor.protocol.forms import FORMS
from transfermodel_predictor.service import Service

from devcluster import versions

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parents[3] / "docs"


def first_cells(page: str) -> list[str]:
    """Return what the first cells of a page's tables hold as code."""
    return re.findall(r"^\| `([^`]+)` \|", (DOCS / page).read_text(), re.MULTILINE)


def test_every_route_is_told() -> None:
    service = Service(Configuration("colours", "s3://models/colours", "sha256:" + "0" * 64, "v1"))
    served = {route.path_format for route in application(service).routes if isinstance(route, Route)}
    assert served == {cell for cell in first_cells("reference/http.md") if cell.startswith("/")}


def test_limits_and_formats_are_those_of_the_predictor() -> None:
    page = (DOCS / "reference/http.md").read_text()
    limits = Limits()
    assert f"| body | {limits.body_bytes // MEGABYTE} MB |" in page
    assert f"{limits.sample_bytes // MEGABYTE} MB, {limits.image_pixels // MEGABYTE} million pixels" in page
    assert f"{limits.sample_bytes // MEGABYTE} MB, {limits.text_characters // MEGABYTE} million characters" in page
    assert f"{limits.sample_bytes // MEGABYTE} MB, {limits.audio_samples // MEGABYTE} million samples" in page
    assert f"of {audio.LOWEST_RATE:,} to {audio.HIGHEST_RATE:,} samples per second" in page
    assert f"up to {audio.CHANNEL_LIMIT} channels" in page
    assert f"the first {CHARACTERS_PER_TOKEN} characters for each" in page
    assert f"| samples in one request | {limits.batch} |" in page
    assert all(name in page for name in (*FORMATS, *audio.FORMATS))


def test_every_input_is_told() -> None:
    """Version 1's keys are the names of version 2's first inputs."""
    cells = first_cells("reference/http.md")
    assert {name for form in FORMS.values() for name in form.tensors} <= set(cells)


def test_every_file_of_an_artifact_is_told() -> None:
    cells = first_cells("reference/artifact.md")
    assert {names.MANIFEST, names.MODEL, names.DESCRIPTION, names.WEIGHTS, names.METRICS} <= set(cells)
    wire = {field.alias for field in ModelDescription.model_fields.values()}
    assert wire <= set(cells)


def test_the_oldest_versions_are_those_that_are_checked() -> None:
    page = (DOCS / "how-to/existing-cluster.md").read_text()
    for name, version in (
        ("Kubernetes", versions.KUBERNETES_MINIMUM),
        ("Knative Serving", versions.KNATIVE_MINIMUM),
        ("KServe", versions.KSERVE_MINIMUM),
    ):
        assert f"| {name} {'.'.join(map(str, version))} or newer" in page
