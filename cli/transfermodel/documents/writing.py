"""YAML that every reader reads alike."""

import contextlib
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Quotes texts that YAML 1.2 takes for numbers: PyYAML speaks 1.1, in which 6e-3 is a text."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None
    with contextlib.suppress(ValueError):
        float(value)
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def yaml_of(manifest: dict[str, Any]) -> str:
    """Return a manifest as YAML, its fields in the order given."""
    return yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
