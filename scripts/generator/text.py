"""YAML as both PyYAML and Kubernetes read it."""

import re
from typing import Any

import yaml

# 1e-3 is a string to PyYAML (YAML 1.1) and a number to Kubernetes.
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Write out what occurs twice twice."""
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _NUMBER.fullmatch(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)


def to_yaml(*documents: object, width: int = 110) -> str:
    """Return documents as YAML, keys in the order given."""
    return yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width, explicit_start=len(documents) > 1
    )
