"""What `helm test` runs in the cluster: is the API served, and is an operator at work?"""

import datetime
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
HOST = os.environ["KUBERNETES_SERVICE_HOST"]
SERVER = f"https://{f'[{HOST}]' if ':' in HOST else HOST}:{os.environ['KUBERNETES_SERVICE_PORT']}"
TLS = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
NAMESPACE = os.environ["POD_NAMESPACE"]
FRESH_SECONDS = 30
DEADLINE_SECONDS = 60


def get(path: str) -> dict:
    """GET from the API server."""
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"}
    request = urllib.request.Request(SERVER + path, headers=headers)  # noqa: S310 - https, as above
    with urllib.request.urlopen(request, context=TLS, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def check() -> str:
    """Return what is well; raise when something is not."""
    found = get(f"/apis/transferlearning.dev/v1alpha1/namespaces/{NAMESPACE}/transfermodels")
    if found["kind"] != "TransferModelList":
        raise RuntimeError(f"the API server answers with {found['kind']}, not TransferModelList")
    lease = get(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/transfermodel-operator")["spec"]
    if not lease.get("holderIdentity"):
        raise RuntimeError("no operator holds the Lease transfermodel-operator")
    renewed = datetime.datetime.fromisoformat(lease["renewTime"])
    age = (datetime.datetime.now(datetime.UTC) - renewed).total_seconds()
    if age > FRESH_SECONDS:
        raise RuntimeError(f"the operator {lease['holderIdentity']} gave its last sign of life {age:.0f} s ago")
    return f"transfermodels are served; the operator {lease['holderIdentity']} was at work {age:.0f} s ago"


deadline = time.monotonic() + DEADLINE_SECONDS
while True:
    try:
        print(check())
        sys.exit(0)
    except (OSError, RuntimeError) as error:
        reason = f"{error} ({error.url})" if isinstance(error, urllib.error.HTTPError) else str(error)
        if time.monotonic() > deadline:
            logs = f"kubectl logs -n {NAMESPACE} -l app.kubernetes.io/component=operator"
            sys.exit(f"{reason}\nLook at the operator: kubectl describe pods -n {NAMESPACE}; {logs}")
    time.sleep(1)
