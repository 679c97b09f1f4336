"""What the chart makes of its values, and what it refuses."""

from typing import Any

import pytest
import yaml
from transfermodel_operator.api.spec import Output, Resources, Toleration
from transfermodel_operator.settings import Interruptible, Settings, Tracing

from devcluster import versions
from tests.support.charts import CHART, HelmFailed, helm, one, rendered, settings

ADDRESS_NEEDED = "predictor.tracing.endpoint is .*; the address of a collector for OTLP over HTTP is needed, such as"


def parsed(values: dict[str, Any]) -> Settings:
    """Return the settings as the operator reads them."""
    return Settings.model_validate_json(settings(rendered(values)))


def test_without_an_image_for_gpus_the_operator_knows_none() -> None:
    assert parsed({"images": {"predictorGpu": ""}}).predictor_gpu_image is None


def test_lint() -> None:
    helm("lint", str(CHART), "--strict", "--kube-version", versions.KUBERNETES)


def test_the_chart_says_what_the_operator_defaults_to() -> None:
    seen = parsed({})
    assert seen == Settings(trainer_image=seen.trainer_image, predictor_image=seen.predictor_image)


def test_every_setting_can_be_set() -> None:
    seen = parsed(
        {
            "images": {
                "trainer": "registry.test/trainer@sha256:0",
                "predictor": "p:1",
                "predictorGpu": "p-gpu:1",
                "pullPolicy": "Always",
            },
            "output": {"uri": "s3://models/team", "credentialsSecretName": "s3"},
            "ingress": {"port": 8088},
            "watchNamespaces": ["a", "b"],
            "allowNamedWeights": False,
            "trainer": {
                "interruptible": {
                    "nodeSelector": {"cloud.google.com/gke-spot": "true"},
                    "tolerations": [{"key": "cloud.google.com/gke-spot", "operator": "Exists"}],
                }
            },
            "predictor": {
                "accessLog": True,
                "tracing": {"endpoint": "https://collector.test:4318/otlp", "samplingRate": 0.25},
            },
            "serving": {"targetConcurrency": 1000, "progressDeadlineSeconds": 3600},
            "resources": {"trainer": {"limits": {"memory": "8Gi", "nvidia.com/gpu": 1}}},
            "settings": {
                "clusterDomain": "example.internal",
                "relistSeconds": 1000000,
                "progressSeconds": 5,
                "progressUpdates": 0,
            },
        }
    )
    assert seen == Settings(
        trainer_image="registry.test/trainer@sha256:0",
        predictor_image="p:1",
        predictor_gpu_image="p-gpu:1",
        image_pull_policy="Always",
        output=Output(uri="s3://models/team", credentials_secret_name="s3"),
        ingress_port=8088,
        watch_namespaces=["a", "b"],
        allow_named_weights=False,
        interruptible=Interruptible(
            node_selector={"cloud.google.com/gke-spot": "true"},
            tolerations=[Toleration(key="cloud.google.com/gke-spot", operator="Exists")],
        ),
        access_log=True,
        tracing=Tracing(endpoint="https://collector.test:4318/otlp", sampling_rate=0.25),
        target_concurrency=1000,
        progress_deadline_seconds=3600,
        trainer_resources=Resources(
            requests={"cpu": "500m", "memory": "1Gi"}, limits={"memory": "8Gi", "nvidia.com/gpu": 1}
        ),
        cluster_domain="example.internal",
        relist_seconds=1000000,
        progress_seconds=5,
        progress_updates=0,
    )
    # Whatever has no value above must be a decision: the port is the probes' too.
    assert set(Settings.model_fields) - seen.model_fields_set <= {"predictor_resources", "liveness_port"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"image": {"operator": "x"}}, "image"),
        ({"images": {"operater": "x"}}, "operater"),
        ({"images": {"operator": ""}}, "images"),
        ({"images": {"predictorGpu": "p gpu:1"}}, "predictorGpu"),
        ({"settings": {"relistSecond": 3}}, "relistSecond"),
        ({"settings": {"relistSeconds": 0}}, "relistSeconds"),
        ({"ingress": {"port": "8088"}}, "port"),
        ({"output": {"uri": "pvc://models"}}, "uri"),
        ({"output": {"credentialsSecretName": "s3"}}, "output.credentialsSecretName without output.uri"),
        ({"resources": {"trainer": {"limit": {}}}}, "limit"),
        ({"resources": {"predictor": {"limits": {"memory": "4 GB"}}}}, "memory"),
        ({"serving": {"targetConcurrency": 0}}, "targetConcurrency"),
        ({"serving": {"progressDeadlineSeconds": "10m"}}, "progressDeadlineSeconds"),
        ({"predictor": {"accessLog": "yes"}}, "accessLog"),
        ({"predictor": {"tracing": {"endpoint": "collector:4318"}}}, ADDRESS_NEEDED),
        ({"predictor": {"tracing": {"endpoint": "grpc://collector:4317"}}}, ADDRESS_NEEDED),
        ({"predictor": {"tracing": {"endpoint": "http://me:password@collector:4318"}}}, ADDRESS_NEEDED),
        ({"predictor": {"tracing": {"endpoint": ["http://collector:4318"]}}}, "endpoint"),
        ({"predictor": {"tracing": {"samplingRate": 1.5}}}, "samplingRate"),
        ({"predictor": {"tracing": {"samplingRate": "often"}}}, "samplingRate"),
        ({"predictor": {"grpcPort": 8081}}, "grpcPort"),
        ({"logFormat": "xml"}, "logFormat"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(HelmFailed, match=sentence):
        rendered(values)


def test_every_value_is_in_the_schema() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    rendered(values)


def test_named_namespaces_get_roles_and_the_cluster_none() -> None:
    objects = rendered({"watchNamespaces": ["a", "b"], "userRoles": {"create": False}})
    assert not [item for item in objects if item["kind"].startswith("Cluster")]
    roles = {
        item["metadata"]["namespace"]: item["rules"]
        for item in objects
        if item["kind"] == "Role" and item["metadata"]["name"] == "transfermodel-operator"
    }
    assert set(roles) == {"a", "b"}
    everywhere = one(rendered({"userRoles": {"create": False}}), "ClusterRole")["rules"]
    assert roles["a"] == roles["b"] == everywhere


def test_no_wildcard_and_no_secret() -> None:
    for item in rendered({}):
        for rule in item.get("rules", []):
            assert not {"*", "secrets"} & {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}


def test_the_crd_outlives_the_release() -> None:
    crd = one(rendered({}), "CustomResourceDefinition")
    assert crd["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert not [item for item in rendered({"crd": {"install": False}}) if item["kind"] == "CustomResourceDefinition"]


def test_another_release_shares_no_cluster_wide_name() -> None:
    def names(release: str) -> set[tuple[str, str]]:
        objects = rendered({"crd": {"install": False}}, release=release)
        return {(item["kind"], item["metadata"]["name"]) for item in objects if "namespace" not in item["metadata"]}

    assert names("one")
    assert not names("one") & names("other")


@pytest.mark.parametrize("rate", ["0.05", "0", "1"])
def test_a_rate_may_be_set_on_the_command_line(rate: str) -> None:
    """Of which helm makes a string where there is a point."""
    chosen = ("predictor.tracing.endpoint=http://collector:4318", f"predictor.tracing.samplingRate={rate}")
    arguments = [argument for value in chosen for argument in ("--set", value)]
    seen = Settings.model_validate_json(settings(rendered({}, *arguments)))
    assert seen.tracing == Tracing(endpoint="http://collector:4318", sampling_rate=float(rate))


def test_without_a_collector_nothing_is_said_of_traces() -> None:
    assert parsed({"predictor": {"tracing": {"samplingRate": 0.5}}}).tracing is None
