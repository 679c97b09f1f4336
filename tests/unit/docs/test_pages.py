"""Pages that are written by hand name everything that the code has."""

import re
from pathlib import Path

import pytest
from msgspec.structs import fields
from starlette.routing import Route
from transfermodel_predictor.application import body_limit, connections, requests
from transfermodel_predictor.application.app import application
from transfermodel_predictor.artifact import names
from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.configuration import MEGABYTE, Configuration, Limits
from transfermodel_predictor.inference import audio
from transfermodel_predictor.inference.decode import FORMATS
from transfermodel_predictor.inference.text import CHARACTERS_PER_TOKEN
from transfermodel_predictor.protocol import explain, raw, sources
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


def test_limits_of_requests_are_those_of_the_predictor() -> None:
    page = (DOCS / "reference/http.md").read_text()
    assert f"| commas in JSON | {sources.ELEMENTS // MEGABYTE} million" in page
    assert f"| large bodies in memory | {body_limit.LARGE_BODIES} of" in page
    assert f"up to {body_limit.SMALL >> 10} KiB does not count" in page
    assert f"| {connections.HEAD_BYTES >> 10} KiB, {connections.HEAD_SECONDS:g} seconds |" in page
    assert f"| {requests.BODY_SECONDS:g} seconds, and a second more for each {requests.BODY_RATE // 1000} kB |" in page
    assert f"| {connections.WRITE_SECONDS:g} seconds without taking any" in page
    assert f"| connections | {connections.CONNECTIONS};" in page
    assert f"a request may cost {explain.BUDGET:,}." in page
    assert all(f"| {form.grid.lowest} to {form.grid.highest} " in page for form in FORMS.values())
    assert all(name.upper() in page or name.title() in page for name in raw.CHARSETS[:5])


def test_every_input_is_told() -> None:
    """Version 1's keys are the names of version 2's first inputs."""
    cells = first_cells("reference/http.md")
    assert {name for form in FORMS.values() for name in form.tensors} <= set(cells)


def test_every_file_of_an_artifact_is_told() -> None:
    cells = first_cells("reference/artifact.md")
    assert {names.MANIFEST, names.MODEL, names.DESCRIPTION, names.WEIGHTS, names.METRICS} <= set(cells)
    wire = {field.encode_name for field in fields(ModelDescription)}
    assert wire <= set(cells)


def test_the_oldest_versions_are_those_that_are_checked() -> None:
    page = (DOCS / "how-to/existing-cluster.md").read_text()
    for name, version in (
        ("Kubernetes", versions.KUBERNETES_MINIMUM),
        ("Knative Serving", versions.KNATIVE_MINIMUM),
        ("KServe", versions.KSERVE_MINIMUM),
    ):
        assert f"| {name} {'.'.join(map(str, version))} or newer" in page
