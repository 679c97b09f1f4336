"""Kubernetes' own rules for metadata, which stand in no schema that a client could read.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and …/labels/.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final

from transfermodel.documents.places import join

Found = tuple[str, str, str]
"""Path, message, remedy."""

_FIELDS: Final = (
    "name",
    "namespace",
    "labels",
    "annotations",
    "generateName",
    "finalizers",
    "ownerReferences",
    # Written by the API server; files made of `kubectl get -o yaml` have them.
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
_WRITERS_OWN: Final = 4
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_DNS_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_NAME_PART: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)
_LONGEST_SUBDOMAIN: Final = 253
_MOST_ANNOTATION_BYTES: Final = 256 * 1024


def judge(metadata: Any) -> Iterator[Found]:
    """Yield what is wrong with an object's metadata; the CRD's own rule for the name comes on top."""
    if not isinstance(metadata, dict):
        yield "metadata", "metadata is missing", "Add metadata: {name: my-model}."
        return
    for key in metadata:
        if key not in _FIELDS:
            near = get_close_matches(key, _FIELDS[:_WRITERS_OWN], n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"It has {', '.join(_FIELDS[:_WRITERS_OWN])}."
            yield join("metadata", key), f"metadata.{key} is no field of Kubernetes", remedy
    yield from _name(metadata)
    namespace = metadata.get("namespace")
    if namespace is not None and not (isinstance(namespace, str) and (not namespace or _is_label(namespace))):
        yield (
            "metadata.namespace",
            f"{namespace} is no name of a namespace",
            "Use lower-case letters, digits and '-', at most 63.",
        )
    yield from _labels(metadata.get("labels"))
    yield from _annotations(metadata.get("annotations"))


def _name(metadata: dict[str, Any]) -> Iterator[Found]:
    name = metadata.get("name")
    if name is None or name == "":
        yield "metadata.name", "metadata.name is missing", "Give it a name, such as flowers: it is found by it."
    elif not isinstance(name, str):
        yield "metadata.name", f"must be a string, and {name} is none", f'Write "{name}" in quotes, or another name.'
    elif len(name) > _LONGEST_SUBDOMAIN or not _DNS_SUBDOMAIN.fullmatch(name):
        yield "metadata.name", f"{name} is no name of Kubernetes", _suggested(name)


def _suggested(name: str) -> str:
    better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:40].rstrip("-")
    return f"Write {better}." if better else "Use lower-case letters, digits and '-'."


def _is_label(text: str) -> bool:
    return _DNS_LABEL.fullmatch(text) is not None


def _labels(labels: Any) -> Iterator[Found]:
    yield from _not_texts(labels, "metadata.labels")
    for key, value in _texts(labels):
        path = join("metadata.labels", key)
        yield from _key(key, path)
        if value and not _NAME_PART.fullmatch(value):
            remedy = "Use letters, digits, '-', '_' and '.', at most 63, and begin and end with a letter or digit."
            yield path, f"{value} is no value of a label", remedy


def _annotations(annotations: Any) -> Iterator[Found]:
    yield from _not_texts(annotations, "metadata.annotations")
    texts = _texts(annotations)
    for key, _ in texts:
        yield from _key(key.lower(), join("metadata.annotations", key))
    size = sum(len(key.encode()) + len(value.encode()) for key, value in texts)
    if size > _MOST_ANNOTATION_BYTES:
        yield "metadata.annotations", f"the annotations have {size} bytes; 262144 are allowed", "Shorten them."


def _key(key: str, path: str) -> Iterator[Found]:
    """Judge a qualified name: an optional DNS subdomain and a slash before a name."""
    prefix, slash, name = key.rpartition("/")
    right_prefix = not slash or (len(prefix) <= _LONGEST_SUBDOMAIN and _DNS_SUBDOMAIN.fullmatch(prefix))
    if not right_prefix or not _NAME_PART.fullmatch(name):
        yield path, f"{key} is no name of a label or annotation", "Write a word, or example.com/word."


def _not_texts(entries: Any, path: str) -> Iterator[Found]:
    """Yield what keeps labels or annotations from being a mapping of strings."""
    if entries is None:
        return
    if not isinstance(entries, dict):
        yield path, "must be a mapping of names to strings", "Write name: value, one a line."
        return
    for key, value in entries.items():
        # null becomes an empty string.
        if value is not None and not isinstance(value, str):
            written = str(value).lower() if isinstance(value, bool) else value
            yield join(path, key), f"must be a string, and {written} is none", f'Write "{written}" in quotes.'


def _texts(entries: Any) -> list[tuple[str, str]]:
    pairs = entries.items() if isinstance(entries, dict) else ()
    return [(key, value) for key, value in pairs if isinstance(value, str)]
