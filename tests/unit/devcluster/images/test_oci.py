"""Images made by hand: reproducible, complete, and in a layout that a reader can follow."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from devcluster.images import oci


@pytest.fixture
def image(tmp_path: Path) -> oci.StaticImage:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    return oci.StaticImage("dev.local/x:1", {"/usr/bin/program": program}, ["/usr/bin/program"], 65532, ("/tmp",))


def test_the_layer_holds_files_and_their_folders(image: oci.StaticImage) -> None:
    with tarfile.open(fileobj=io.BytesIO(oci.layer(image).data)) as archive:
        modes = {entry.name: oct(entry.mode) for entry in archive}
        content = archive.extractfile("usr/bin/program")
        assert content is not None
        assert content.read() == b"\x7fELF"
    assert modes == {"tmp": "0o1777", "usr": "0o755", "usr/bin": "0o755", "usr/bin/program": "0o755"}


def test_equal_files_give_an_equal_digest_whenever_they_were_written(image: oci.StaticImage) -> None:
    before = oci.build(image)[0].digest
    (path,) = image.files.values()
    path.touch()
    assert oci.build(image)[0].digest == before
    path.write_bytes(b"\x7fELF2")
    assert oci.build(image)[0].digest != before


def test_the_manifest_names_its_blobs_and_the_user_is_a_number(image: oci.StaticImage) -> None:
    manifest, (config, layer) = oci.build(image)
    parsed = json.loads(manifest.data)
    assert parsed["config"]["digest"] == config.digest
    assert [entry["digest"] for entry in parsed["layers"]] == [layer.digest]
    assert json.loads(config.data)["rootfs"]["diff_ids"] == [layer.digest]
    assert json.loads(config.data)["config"]["User"] == "65532:65532"


def test_the_archive_is_an_oci_layout(image: oci.StaticImage) -> None:
    manifest, blobs = oci.build(image)
    stream = io.BytesIO()
    archive = oci.LayoutArchive(stream)
    for blob in [*blobs, manifest]:
        archive.add_blob(blob)
    archive.close({image.name: manifest.descriptor})
    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as written:
        index = written.extractfile("index.json")
        assert index is not None
        (entry,) = json.load(index)["manifests"]
        names = written.getnames()
    assert entry["annotations"]["io.containerd.image.name"] == "dev.local/x:1"
    assert f"blobs/{entry['digest'].replace(':', '/')}" in names
