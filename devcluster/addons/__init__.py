"""What runs inside the cluster: DNS, Knative Serving with Kourier, KServe, and the way to the S3 server."""

from devcluster.addons.install import install

__all__ = ["install"]
