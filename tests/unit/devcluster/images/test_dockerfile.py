"""What a target of the Dockerfile is made from."""

import json

import pytest

from devcluster.images import base, dockerfile, project

TEXT = """\
# syntax comment
ARG BASE=docker.io/library/debian:bookworm-slim
FROM ${BASE} AS python
FROM python AS tools
COPY requirements/tools.txt /tmp/
FROM python AS runtime
FROM runtime AS server
COPY --from=tools /opt /opt
COPY server/code \\
     server/data /app/
RUN --mount=type=bind,from=helper,source=/x,target=/x true
FROM python AS helper
COPY helper /x
FROM runtime AS other
COPY other /app
"""


def test_a_target_depends_on_every_stage_that_it_uses() -> None:
    stages = dockerfile.parse(TEXT)
    assert dockerfile.inputs(stages, "server") == ["helper", "requirements/tools.txt", "server/code", "server/data"]
    assert dockerfile.inputs(stages, "other") == ["other"]


def test_the_images_from_outside_are_known_by_the_name_that_the_dockerfile_uses() -> None:
    assert dockerfile.outside_bases(dockerfile.parse(TEXT)) == ["docker.io/library/debian:bookworm-slim"]


def test_a_base_without_a_default_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"\$BASE"):
        dockerfile.parse("ARG BASE\nFROM $BASE\n")


def test_an_unknown_target_is_an_error() -> None:
    with pytest.raises(KeyError):
        dockerfile.inputs(dockerfile.parse(TEXT), "nobody")


@pytest.mark.parametrize(
    ("target", "wanted", "unwanted"),
    [
        ("operator", "operator/transfermodel_operator", "predictor/transfermodel_predictor"),
        ("predictor", "predictor/transfermodel_predictor", "operator/transfermodel_operator"),
        ("trainer", "trainer/transfermodel_trainer", "operator/transfermodel_operator"),
        ("predictor-gpu", "predictor/transfermodel_predictor", "requirements/predictor.txt"),
    ],
)
def test_the_projects_own_targets_depend_on_their_own_code(target: str, wanted: str, unwanted: str) -> None:
    found = dockerfile.inputs(dockerfile.parse(project.DOCKERFILE.read_text()), target)
    assert wanted in found
    assert unwanted not in found
    assert f"requirements/{target}.txt" in found


@pytest.mark.parametrize("target", ["operator", "trainer", "predictor", "predictor-gpu"])
def test_process_1_of_every_container_hands_signals_on(target: str) -> None:
    # Python as process 1 would not notice one that comes before it has a handler.
    (entrypoint,) = (
        json.loads(line.removeprefix("ENTRYPOINT"))
        for line in dockerfile.instructions(dockerfile.parse(project.DOCKERFILE.read_text()), target)
        if line.startswith("ENTRYPOINT")
    )
    assert entrypoint[:3] == ["catatonit", "--", "python"]
    assert entrypoint[0] in base.PACKAGES, "the devcluster's own base has it, too"
