"""helm and kubectl against a real API server: the objects are accepted, restricted, and have the rights they need."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_server import ApiServer, Manifest
from tests.support.charts import CHART, NAMESPACE, RELEASE, helm, one, rendered
from tests.support.waiting import wait_for

OPERATOR = f"system:serviceaccount:{NAMESPACE}:transfermodel-operator"
MANIFESTS = Path(__file__).parents[3] / "manifests"
# The API server of these tests has the CRD already, of no release.
VALUES: dict[str, Any] = {"crd": {"install": False}}


@pytest.fixture(scope="module")
def installed(cluster: ApiServer) -> Iterator[ApiServer]:
    """The API server with the chart installed, in a namespace that enforces Pod Security `restricted`."""
    namespace(cluster, NAMESPACE)
    namespace(cluster, "team")
    install(cluster, VALUES)
    yield cluster
    helm("uninstall", RELEASE, "-n", NAMESPACE, kubeconfig=cluster.kubeconfig)


def namespace(cluster: ApiServer, name: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest))


def install(cluster: ApiServer, values: dict[str, Any], *arguments: str) -> str:
    command = ("upgrade", RELEASE, str(CHART), "--install", "-n", NAMESPACE)
    return helm(*command, *arguments, values=values, kubeconfig=cluster.kubeconfig)


def may(cluster: ApiServer, verb: str, resource: str, where: str = "team", user: str = OPERATOR) -> bool:
    """Ask the API server whether a user may."""
    return bool(allowed(cluster, [(verb, resource)], where, user))


def allowed(
    cluster: ApiServer, asked: list[tuple[str, str]], where: str = "team", user: str = OPERATOR
) -> set[tuple[str, str]]:
    """Return which of (verb, GROUP/RESOURCE[/SUBRESOURCE][:NAME]) the API server would allow a user in a namespace."""
    groups = ["system:authenticated"]
    if user == OPERATOR:
        groups += ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}"]
    reviews = []
    for verb, resource in asked:
        path, _, name = resource.partition(":")
        group, plural, *subresource = path.split("/")
        attributes = {"verb": verb, "group": group, "resource": plural, "namespace": where, "name": name}
        attributes["subresource"] = "".join(subresource)
        reviews.append(
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {"user": user, "groups": groups, "resourceAttributes": attributes},
            }
        )
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": reviews})
    said = cluster.kubectl("create", "-f", "-", "-o", "jsonpath={.status.allowed}{'\\n'}", stdin=text)
    answers = [line == "true" for line in said.split()]
    return {pair for pair, yes in zip(asked, answers, strict=True) if yes}


def test_the_server_accepts_everything(cluster: ApiServer) -> None:
    namespace(cluster, NAMESPACE)
    objects = rendered(VALUES)
    assert {"Deployment", "Pod", "ClusterRole"} <= {item["kind"] for item in objects}
    text = "\n---\n".join(json.dumps(item) for item in objects)
    answer = cluster.ask("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)
    assert answer.succeeded, answer.output
    assert "Warning" not in answer.output  # Pod Security warns about a Deployment that it would refuse the pods of


@pytest.mark.parametrize("kind", ["Deployment", "Pod"])
def test_the_pods_are_admitted_where_restricted_is_enforced(cluster: ApiServer, kind: str) -> None:
    namespace(cluster, NAMESPACE)
    found = one(rendered(VALUES), kind)
    pod: Manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": NAMESPACE},
        "spec": found["spec"]["template"]["spec"] if kind == "Deployment" else found["spec"],
    }
    pod["spec"].pop("serviceAccountName")  # not there yet
    cluster.kubectl("create", "serviceaccount", "default", "-n", NAMESPACE, "--dry-run=client")
    wait_for(
        lambda: cluster.ask("get", "serviceaccount", "default", "-n", NAMESPACE).succeeded,
        timeout_seconds=30,
        what="the namespace's default service account",
    )
    assert cluster.create(pod, "--dry-run=server").succeeded
    del pod["spec"]["containers"][0]["securityContext"]
    answer = cluster.create(pod, "--dry-run=server")
    assert not answer.succeeded
    assert "violates PodSecurity" in answer.output


NEEDED = {
    "transferlearning.dev/transfermodels": "get list watch",
    "transferlearning.dev/transfermodels/status": "patch",
    "batch/jobs": "list watch create patch delete",
    "/pods": "list watch",
    "/pods/log": "get",
    "/services": "get",
    "/events": "list create",
    "apps/controllerrevisions": "list create",
    "serving.kserve.io/inferenceservices": "get list watch create patch delete",
    "serving.knative.dev/revisions": "list watch patch",
}
# The most dangerous, and all other verbs of what it may do something to.
FORBIDDEN = {
    "/secrets": "get list watch create",
    "/configmaps": "get list create",
    "/pods": "get create delete patch",
    "/pods/exec": "create get",
    "/serviceaccounts": "impersonate",
    "/serviceaccounts/token": "create",
    "/services": "list create patch delete",
    "apps/deployments": "create patch",
    "apps/controllerrevisions": "patch update delete",
    "batch/jobs": "update deletecollection",
    "rbac.authorization.k8s.io/roles": "create bind escalate",
    "rbac.authorization.k8s.io/rolebindings": "create",
    "serving.kserve.io/inferenceservices": "update deletecollection",
    "serving.knative.dev/services": "get patch",
    "serving.knative.dev/revisions": "create update delete",
    "transferlearning.dev/transfermodels": "create update patch delete",
    "transferlearning.dev/transfermodels/status": "update",
}
FORBIDDEN_FOR_THE_CLUSTER = {
    "/namespaces": "get list",
    "/nodes": "get list",
    "/secrets": "list watch",
    "apiextensions.k8s.io/customresourcedefinitions": "get list patch",
}


def each(table: dict[str, str]) -> list[tuple[str, str]]:
    """Return (verb, resource) pairs."""
    return [(verb, resource) for resource, verbs in table.items() for verb in verbs.split()]


def test_the_operator_may_do_what_it_needs(installed: ApiServer) -> None:
    assert allowed(installed, each(NEEDED)) == set(each(NEEDED))


def test_the_operator_may_not_do_the_rest(installed: ApiServer) -> None:
    assert allowed(installed, each(FORBIDDEN)) == set()
    assert allowed(installed, each(FORBIDDEN_FOR_THE_CLUSTER), where="") == set()


def test_the_role_holds_nothing_else() -> None:
    """What is allowed beyond the table above would be allowed for nothing."""
    granted = {
        f"{group}/{resource}": set(rule["verbs"])
        for rule in one(rendered(VALUES), "ClusterRole", "transfermodel-operator")["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert granted == {resource: set(verbs.split()) for resource, verbs in NEEDED.items()}


def test_the_operator_may_use_only_its_own_lease(installed: ApiServer) -> None:
    lease = "coordination.k8s.io/leases"
    assert may(installed, "update", f"{lease}:transfermodel-operator", NAMESPACE)
    assert may(installed, "create", lease, NAMESPACE)
    assert not may(installed, "update", f"{lease}:another", NAMESPACE)
    assert not may(installed, "list", lease, NAMESPACE)
    assert not may(installed, "create", lease, "team")
    assert not may(installed, "get", f"{lease}:transfermodel-operator", "team")


def test_named_namespaces_are_the_only_ones(installed: ApiServer) -> None:
    namespace(installed, "other")
    try:
        install(installed, VALUES | {"watchNamespaces": ["team"]})
        assert may(installed, "create", "batch/jobs", "team")
        assert not may(installed, "create", "batch/jobs", "other")
        assert not may(installed, "list", "transferlearning.dev/transfermodels", "other")
    finally:
        install(installed, VALUES)
    assert may(installed, "create", "batch/jobs", "other")


def test_people_get_what_they_have_for_the_namespace(installed: ApiServer) -> None:
    resource = "transferlearning.dev/transfermodels"
    for role in ("view", "edit"):
        binding = ("create", "rolebinding", f"{role}-er", f"--clusterrole={role}", f"--user={role}-er", "-n", "team")
        installed.kubectl(*binding)

    # A controller adds the chart's roles to those of Kubernetes.
    wait_for(
        lambda: may(installed, "get", resource, user="view-er") and may(installed, "create", resource, user="edit-er"),
        timeout_seconds=30,
        what="the roles are aggregated",
    )
    assert may(installed, "get", resource, user="edit-er")
    assert not may(installed, "create", resource, user="view-er")
    assert not may(installed, "patch", f"{resource}/status", user="edit-er")


def test_an_upgrade_that_changes_nothing_changes_nothing(installed: ApiServer) -> None:
    def generation() -> str:
        return installed.kubectl(
            "get", "deployment", "transfermodel-operator", "-n", NAMESPACE, "-o", "jsonpath={.metadata.generation}"
        )

    before = generation()
    install(installed, VALUES)
    assert generation() == before
    install(installed, VALUES | {"settings": {"relistSeconds": 61}})
    assert generation() != before


def test_the_notes_are_a_next_command_that_works(installed: ApiServer) -> None:
    notes = install(installed, VALUES)
    _, _, rest = notes.partition("kubectl apply -f - <<EOF\n")
    manifest, end, _ = rest.partition("  EOF\n")
    assert end
    lines = [line.removeprefix("  ") for line in manifest.splitlines()]
    text = "\n".join(lines).replace("YOUR-BUCKET", "bucket").replace("YOUR-FOLDER", "folder")
    installed.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)


def test_the_manifests_are_accepted(cluster: ApiServer) -> None:
    namespace(cluster, NAMESPACE)
    answer = cluster.ask("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-k", str(MANIFESTS))
    assert answer.succeeded, answer.output
    assert "Warning" not in answer.output
    assert "deployment.apps/transfermodel-operator" in answer.output
    assert "customresourcedefinition.apiextensions.k8s.io/transfermodels" in answer.output


def test_helm_passes_on_the_warning_of_an_unknown_field(installed: ApiServer, tmp_path: Path) -> None:
    """A chart of somebody's own with a slip of the pen; helm 3 asks for no strict validation, so a warning is all."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: own, version: 0.1.0}")
    manifest = {
        "apiVersion": "transferlearning.dev/v1alpha1",
        "kind": "TransferModel",
        "metadata": {"name": "own"},
        "spec": {
            "task": "ImageClassification",
            "backbone": {"fromTransferModel": "base"},
            "data": {"train": {"uri": "s3://a/b"}},
            "trainig": {"seed": 1},
        },
    }
    template = tmp_path / "templates" / "model.yaml"
    template.write_text(json.dumps(manifest))
    try:
        said = helm("install", "own", str(tmp_path), "-n", "team", kubeconfig=installed.kubeconfig)
        assert 'unknown field \\"spec.trainig\\"' in said
    finally:
        helm("uninstall", "own", "-n", "team", kubeconfig=installed.kubeconfig)
