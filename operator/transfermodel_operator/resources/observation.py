"""What a predictor logs and traces: environment variables, of what its version remembers."""

from transfermodel_operator.versions import Version


def observation(version: Version, namespace: str) -> list[dict[str, str]]:
    """Return the predictor's variables for its access log and its traces; none that say what it does anyway.

    A version remembers only what it was recorded with: the pods of others stay as they are, and this is no new format.
    """
    variables: dict[str, str] = {}
    if version.predictor.get("accessLog"):
        variables["TRANSFERMODEL_ACCESS_LOG"] = "true"
    if tracing := version.predictor.get("tracing"):
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = tracing["endpoint"]
        # The service is called as the model, and another namespace may have one of that name.
        variables["OTEL_RESOURCE_ATTRIBUTES"] = f"service.namespace={namespace}"
        if tracing["samplingRate"] < 1:
            variables["OTEL_TRACES_SAMPLER"] = "parentbased_traceidratio"
            variables["OTEL_TRACES_SAMPLER_ARG"] = f"{tracing['samplingRate']:g}"
    return [{"name": name, "value": value} for name, value in variables.items()]
