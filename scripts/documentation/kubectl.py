"""Command lines of kubectl: verbs, kinds and fields that exist. Nothing is asked of a cluster."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from transfermodel_operator.crd import custom_resource_definition

_VERBS_OF_KINDS: Final = frozenset({"annotate", "delete", "describe", "edit", "get", "label", "patch", "wait", "scale"})
_OTHER_VERBS: Final = frozenset(
    {
        "api-resources",
        "apply",
        "auth",
        "cluster-info",
        "config",
        "cp",
        "create",
        "debug",
        "diff",
        "exec",
        "explain",
        "logs",
        "port-forward",
        "rollout",
        "run",
        "top",
        "version",
    }
)
_KINDS: Final = frozenset(
    {
        "all",
        "clusterrole",
        "configmap",
        "crd",
        "controllerrevision",
        "customresourcedefinition",
        "deployment",
        "deploy",
        "event",
        "inferenceservice",
        "isvc",
        "job",
        "ksvc",
        "lease",
        "limitrange",
        "namespace",
        "ns",
        "node",
        "pod",
        "po",
        "pvc",
        "resourcequota",
        "quota",
        "revision",
        "role",
        "rolebinding",
        "runtimeclass",
        "secret",
        "service",
        "svc",
        "serviceaccount",
        "sa",
        "storageclass",
    }
)
# Options that take the next word.
_WITH_VALUE: Final = frozenset(
    {"-n", "-o", "-f", "-k", "-l", "-c", "-p", "--namespace", "--context", "--kubeconfig", "--filename", "--selector"}
    | {
        "--output",
        "--container",
        "--tail",
        "--type",
        "--for",
        "--timeout",
        "--from-literal",
        "--image",
        "--subresource",
    }
)


def wrong(words: list[str]) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with the words after `kubectl`."""
    given = list(_arguments(words))
    if not given or given[0] in ("…", "..."):
        return
    verb, rest = given[0], given[1:]
    if verb not in _VERBS_OF_KINDS | _OTHER_VERBS:
        yield f"kubectl has no command {verb}"
    elif verb == "explain":
        for path in rest:
            if not _explained(path):
                yield f"kubectl explain {path}: there is no such field"
    elif verb in _VERBS_OF_KINDS and rest:
        for kind in rest[0].split(","):
            if not _is_kind(kind.partition("/")[0]):
                yield f"kubectl {verb}: nothing is called {kind}"


def _arguments(words: list[str]) -> Iterator[str]:
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            return
        if not word.startswith("-"):
            yield word
        elif word in _WITH_VALUE:
            next(waiting, None)


def _is_kind(kind: str) -> bool:
    name = kind.lower().partition(".")[0]
    names = custom_resource_definition()["spec"]["names"]
    ours = {names["plural"], names["singular"], *names["shortNames"], *names["categories"]}
    return name in ours or name in _KINDS or name.removesuffix("s") in _KINDS or name.removesuffix("es") in _KINDS


def _explained(path: str) -> bool:
    first, *fields = path.split(".")
    if not _is_kind(first):
        return False
    names = custom_resource_definition()["spec"]["names"]
    if first.lower() not in (names["plural"], names["singular"], *names["shortNames"]):
        return True  # of somebody else's kind nothing is known here
    node: Any = _schema()
    for field in fields:
        node = node.get("items", node).get("properties", {}).get(field)
        if node is None:
            return False
    return True


@cache
def _schema() -> Any:
    return custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
