"""What a program needs to know to use the cluster."""

import os
from typing import Any

from devcluster import golang, paths, s3, versions
from devcluster.addons import object_storage
from devcluster.errors import DevclusterError
from devcluster.images import project
from devcluster.processes import Supervisor


def info() -> dict[str, Any]:
    """Kubeconfig, ingress, S3 and the programs of the same versions.

    Raises:
        DevclusterError: there is no cluster, or it does not run.
    """
    if not paths.KUBECONFIG.exists():
        raise DevclusterError("there is no cluster here: run `make cluster-up` first")
    if not Supervisor(paths.RECORDS, paths.LOGS).is_running("kube-apiserver"):
        raise DevclusterError("the cluster is not running, as after a reboot: run `make cluster-up` to repair it")
    keys = s3.credentials()
    return {
        "kubeconfig": str(paths.KUBECONFIG),
        "ingress": f"http://127.0.0.1:{versions.INGRESS_PORT}",
        "ingressDomain": versions.INGRESS_DOMAIN,
        "ingressPort": versions.INGRESS_PORT,
        "kubectl": str(golang.folder("kubernetes") / "kubectl"),
        "helm": str(golang.folder("helm") / "helm"),
        "images": project.references(),
        "s3": {
            "endpoint": s3.endpoint(),
            "inClusterEndpoint": object_storage.in_cluster_endpoint(versions.S3_PORT),
            "accessKey": keys.access_key,
            "secretKey": keys.secret_key,
        },
    }


def existing() -> dict[str, Any]:
    """The same for the cluster of $KUBECONFIG, which only its owner can describe: from the environment.

    Raises:
        DevclusterError: the environment does not say where the ingress and the S3 server are.
    """
    names = {
        "kubeconfig": "KUBECONFIG",
        "ingress": "TRANSFERMODEL_INGRESS",
        "endpoint": "TRANSFERMODEL_S3_ENDPOINT",
        "inClusterEndpoint": "TRANSFERMODEL_S3_IN_CLUSTER_ENDPOINT",
        "accessKey": "AWS_ACCESS_KEY_ID",
        "secretKey": "AWS_SECRET_ACCESS_KEY",
    }
    values = {key: os.environ.get(variable, "") for key, variable in names.items()}
    # One address serves where pods and this machine reach the server by the same name.
    values["inClusterEndpoint"] = values["inClusterEndpoint"] or values["endpoint"]
    if lacking := [names[key] for key, value in values.items() if not value]:
        raise DevclusterError(f"CLUSTER=existing: set {', '.join(lacking)}")
    s3_keys = ("endpoint", "inClusterEndpoint", "accessKey", "secretKey")
    return {
        "kubeconfig": values["kubeconfig"],
        "ingress": values["ingress"],
        "s3": {key: values[key] for key in s3_keys},
    }
