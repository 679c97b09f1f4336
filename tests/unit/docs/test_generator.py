"""Pages that are made from code say what the code says."""

import enum
from pathlib import Path
from typing import Annotated

import pytest
import typer

from scripts.generator import docstrings, manifests, reference
from scripts.generator.command_line import _arguments, _options, _usage
from scripts.generator.markdown import code, plain, table
from scripts.generator.python_reference import _class, _function
from scripts.generator.reference import _flow, _rules, _type

pytestmark = pytest.mark.unit


class Method(enum.StrEnum):
    """How."""

    SLOW = "slow"
    FAST = "fast"


def command(
    files: Annotated[list[str], typer.Argument(help="Files to read.")],
    name: Annotated[str, typer.Option(help="Of <what>.")],
    method: Annotated[Method, typer.Option(help="How it is done.")] = Method.SLOW,
    port: Annotated[
        int | None, typer.Option("--port", "-p", min=1, max=9, help="Where.", envvar="PORT", show_default="80")
    ] = None,
    secret: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Do it."""


def click_command() -> object:
    """Return what typer makes of the command."""
    app = typer.Typer()
    app.command()(command)
    return typer.main.get_command(app)


def test_options_have_names_choices_defaults_and_environment() -> None:
    text = _options(click_command())
    assert "| `--method` | `slow`, `fast` | `slow` | How it is done. |" in text
    assert "| `-p`, `--port` | `INTEGER`, 1 to 9 | 80 | Where. Environment: `PORT`. |" in text
    assert "| `--name` | `TEXT` | required | Of &lt;what>. |" in text
    assert "secret" not in text
    assert "--help" not in text


def test_arguments_and_usage() -> None:
    found = click_command()
    assert "| `FILES` | required | Files to read. |" in _arguments(found)
    assert "transfermodel do [OPTIONS] FILES…" in _usage("do", found)


class Thing:
    """Something with `<code>`."""

    size: int = 0
    """Its size, in pixels."""

    @property
    def area(self) -> int:
        """Return the area."""
        return self.size**2

    def grow(self, by: int, *, often: bool = False) -> "Thing":
        """Grow.

        Args:
            by: how much,
                in pixels.
            often: whether it happens again.

        Raises:
            ValueError: It cannot.
        """
        return self


def test_a_class_is_its_attributes_and_methods() -> None:
    text = "\n".join(_class("Thing", Thing))
    assert "Something with `<code>`." in text
    assert "| `size` | `int` | Its size, in pixels. |" in text
    assert "| `area` | `int` | The area. |" in text
    assert "### Thing.grow" in text
    assert "def grow(by: int, *, often: bool = False) -> Thing: ..." in text
    assert "| `by` | how much, in pixels. |" in text
    assert "| `ValueError` | It cannot. |" in text


def test_a_long_signature_has_a_line_for_each_argument() -> None:
    def choose(first: dict[str, list[str]], second: dict[str, list[str]], third: dict[str, list[str]]) -> list[str]:
        """Choose."""
        return []

    text = "\n".join(_function("choose", "choose", choose))
    assert "def choose(\n    first: dict[str, list[str]],\n" in text


def test_docstrings_below_attributes() -> None:
    assert docstrings.attributes(Thing) == {"size": "Its size, in pixels."}


def test_types_say_what_bounds_them() -> None:
    assert _type({"type": "integer", "minimum": 1, "maximum": 9}) == "integer, 1 to 9"
    assert _type({"type": "string", "maxLength": 4, "pattern": "a|b"}) == "string, at most 4 characters, `a|b`"
    assert _type({"type": "array", "minItems": 3, "maxItems": 3, "items": {"type": "boolean"}}) == "list of 3 x boolean"
    assert _type({"enum": [True]}) == "`true`"


def test_rules_of_the_elements_of_a_list_are_told() -> None:
    rule = {"rule": "double(self) > 0.0", "message": "must be positive"}
    node = {"type": "array", "items": {"type": "string", "x-kubernetes-validations": [rule]}}
    assert "`spec.std, each`: must be positive" in _rules({"properties": {"std": node}}, "spec")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1e-3", '"1e-3"'),
        ("true", '"true"'),
        ("s3://a/b", "s3://a/b"),
        ({"a": ["x", 1, False]}, "{a: [x, 1, false]}"),
        ("two words", '"two words"'),
    ],
)
def test_examples_are_yaml_as_kubernetes_reads_it(value: object, text: str) -> None:
    assert _flow(value) == text


def test_tables_and_code_survive_what_they_hold() -> None:
    assert table(["a"], [["x | y\nz"]]).splitlines()[-1] == r"| x \| y z |"
    assert code("a`b") == "`` a`b ``"
    assert plain("a <b> `<c>`") == "a &lt;b> `<c>`"


def test_every_field_of_the_spec_is_in_the_reference() -> None:
    page = reference.files()["docs/reference/api.md"]
    assert "| `learningRate` | string, at most 24 characters" in page
    assert "## spec.training.tolerations[]" in page


def test_manifests_are_fresh_only_while_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[3]
    for folder in ("manifests", "charts/transfermodel"):
        for file in (root / folder).rglob("*"):
            if file.is_file():
                copy = tmp_path / file.relative_to(root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
    for name in ("manifests.py", "text.py"):
        (tmp_path / name).write_bytes((root / "scripts/generator" / name).read_bytes())
    monkeypatch.setattr(manifests, "REPOSITORY", tmp_path)
    monkeypatch.setattr(manifests, "__file__", str(tmp_path / "manifests.py"))
    written = {
        path.relative_to(tmp_path).as_posix(): path.read_text() for path in (tmp_path / "manifests").glob("*.yaml")
    }
    (tmp_path / manifests.RECORD).write_text(manifests._record(written))
    assert manifests.fresh()
    values = tmp_path / "charts/transfermodel/values.yaml"
    text = values.read_text()
    values.write_text(text.replace("relistSeconds: 60", "relistSeconds: 61"))
    assert not manifests.fresh(), "the chart changed"
    values.write_text(text)
    assert manifests.fresh()
    crd = tmp_path / "manifests/crd.yaml"
    crd.write_text(crd.read_text() + "# edited\n")
    assert not manifests.fresh(), "somebody edited what is generated"
