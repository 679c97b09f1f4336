"""Changes to manifests: what they change, what they leave, and that the originals stay as they were."""

import copy

import pytest

from devcluster.addons import manifests as changes
from devcluster.addons.manifests import Manifest


def deployment(**container: object) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "labels": {"app.kubernetes.io/version": "devel", "app": "web"},
        },
        "spec": {
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/version": "devel"}},
                "spec": {"containers": [{"name": "web", "image": "ko://example/cmd/web", **container}]},
            }
        },
    }


def config_map(**data: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop", "annotations": {"knative.dev/example-checksum": "1"}},
        "data": data,
    }


def test_small_requests_replace_requests_and_drop_the_cpu_limit() -> None:
    shipped = [deployment(resources={"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}})]
    before = copy.deepcopy(shipped)
    (changed,) = changes.with_small_requests(shipped)
    assert changes.containers(changed)[0]["resources"] == {
        "requests": {"cpu": "25m", "memory": "40Mi"},
        "limits": {"memory": "1Gi"},
    }
    assert shipped == before


def test_what_requests_pass_through_keeps_its_share_of_a_busy_machine() -> None:
    (changed,) = changes.with_small_requests([deployment()], more_cpu={"web": "100m", "other": "1"})
    assert changes.containers(changed)[0]["resources"]["requests"]["cpu"] == "100m"


def test_quick_probes_start_at_once_and_keep_more_patient_thresholds() -> None:
    probe = {"httpGet": {"port": 1}, "initialDelaySeconds": 30, "periodSeconds": 5, "failureThreshold": 20}
    (changed,) = changes.with_quick_probes([deployment(readinessProbe=probe)])
    assert changes.containers(changed)[0]["readinessProbe"] == {
        "httpGet": {"port": 1},
        "initialDelaySeconds": 0,
        "periodSeconds": 1,
        "failureThreshold": 20,
    }


def test_images_are_replaced_wherever_they_stand() -> None:
    shipped = [deployment(), config_map(sidecar="ko://example/cmd/web", other="ko://example/cmd/web-not")]
    changed = changes.with_images(shipped, {"ko://example/cmd/web": "dev.local/web:1"})
    assert changes.containers(changed[0])[0]["image"] == "dev.local/web:1"
    assert changed[1]["data"] == {"sidecar": "dev.local/web:1", "other": "ko://example/cmd/web-not"}


def test_data_is_merged_and_the_example_dropped() -> None:
    (changed,) = changes.with_data([config_map(_example="…", kept="1", set="old")], "shop/settings", {"set": "new"})
    assert changed["data"] == {"kept": "1", "set": "new"}
    assert changed["metadata"]["annotations"] == {}


def test_the_release_is_told_on_objects_and_their_pods() -> None:
    (changed,) = changes.with_release([deployment()], "1.2.3")
    assert changed["metadata"]["labels"] == {"app.kubernetes.io/version": "1.2.3", "app": "web"}
    assert changed["spec"]["template"]["metadata"]["labels"] == {"app.kubernetes.io/version": "1.2.3"}


def test_rules_of_aggregating_roles_are_left_to_the_cluster() -> None:
    role = {"kind": "ClusterRole", "metadata": {"name": "all"}, "aggregationRule": {}, "rules": []}
    plain = {"kind": "ClusterRole", "metadata": {"name": "one"}, "rules": [{"verbs": ["get"]}]}
    assert changes.without_aggregated_rules([role, plain]) == [
        {"kind": "ClusterRole", "metadata": {"name": "all"}, "aggregationRule": {}},
        plain,
    ]


def test_without_leaves_out_kinds_and_names() -> None:
    shipped = [deployment(), config_map()]
    assert changes.without(shipped, kinds={"ConfigMap"}) == [shipped[0]]
    assert changes.without(shipped, names={"Deployment/shop/web"}) == [shipped[1]]


def test_a_name_that_is_gone_after_an_upgrade_is_an_error() -> None:
    with pytest.raises(KeyError, match="Deployment/shop/old"):
        changes.without([deployment()], names={"Deployment/shop/old"})
    with pytest.raises(KeyError, match="ConfigMap/shop/old"):
        changes.with_data([config_map()], "shop/old", {})


def test_an_image_that_could_never_be_pulled_is_found() -> None:
    assert changes.unresolved_images([deployment()], "dev.local/") == ["ko://example/cmd/web"]
    assert changes.unresolved_images([deployment(image="dev.local/web:1")], "dev.local/") == []
