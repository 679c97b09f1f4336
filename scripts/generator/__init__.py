"""Writes the files that are made from others: the CRD, the chart's values schema, the manifests, the references."""
