"""This machine's models, as the values that the views of a cluster's models show."""

from typing import TYPE_CHECKING

from transfermodel.cluster.types import Cause, Model, Progress, VersionView, int8_figure

if TYPE_CHECKING:
    from transfermodel.workspace import LocalModel
    from transfermodel_operator.api import RunProgress


def glance(model: "LocalModel") -> Model:
    """Return a model of this machine at a glance; ready is what has a version that can be asked."""
    run, version, server = model.last_run(), model.current(), model.server()
    metrics = version.result.metrics if version else {}
    state = run.state if run else None
    stage = "Serving" if server else "Trained"
    if state in ("Failed", "Interrupted", "Running"):
        stage = "Training" if state == "Running" else str(state)
    elif version is None:
        stage = "Pending"
    return Model(
        where="local",
        name=model.name,
        namespace=model.namespace,
        stage=stage,
        ready=stage in ("Serving", "Trained"),
        progress=progress(run.progress if run else None, done=state == "Succeeded"),
        version=server.version if server else version.name if version else None,
        accuracy=metrics.get("accuracy"),
        accuracy_low=metrics.get("accuracyLow"),
        accuracy_high=metrics.get("accuracyHigh"),
        url=server.url if server else None,
        created_at=version.created_at if version else run.started_at if run else None,
        cause=cause(model, stage),
    )


def cause(model: "LocalModel", stage: str) -> Cause | None:
    """Return why a model of this machine is not ready."""
    run = model.last_run()
    again = f"transfermodel run -f FILE   # the file of {model.name!r}"
    if stage == "Failed" and run is not None:
        return Cause(run.reason or "RunFailed", run.message, (again, f"transfermodel logs {model.name}"))
    if stage == "Interrupted":
        return Cause("Interrupted", "The last run was interrupted; run again, it goes on where it stopped.", (again,))
    if stage == "Training":
        return Cause("Running", "It is being trained right now.", (f"transfermodel logs {model.name} --follow",), False)
    return Cause("Pending", "It was never trained to the end.", (again,)) if stage == "Pending" else None


def progress(reported: "RunProgress | None", *, done: bool) -> Progress:
    """Return how far the last run is."""
    if done:
        return Progress(percent=100)
    if reported is None:
        return Progress()
    return Progress(
        percent=reported.percent,
        phase=reported.phase,
        epoch=reported.epoch,
        epochs=reported.epochs,
        loss=reported.loss,
        eta_seconds=reported.eta_seconds,
    )


def versions(model: "LocalModel") -> list[VersionView]:
    """Return the versions of a model of this machine, oldest first."""
    server, current = model.server(), model.current()
    live = server.version if server else None

    def state(name: str) -> str:
        if name == live:
            return "Live"
        return "Candidate" if current is not None and name == current.name else "Retired"

    return [
        VersionView(
            name=version.name,
            state=state(version.name),
            digest=version.digest,
            uri=version.uri,
            accuracy=version.result.metrics.get("accuracy"),
            accuracy_low=version.result.metrics.get("accuracyLow"),
            accuracy_high=version.result.metrics.get("accuracyHigh"),
            split=version.result.metrics_split,
            samples=version.result.counts.train,
            classes=version.result.counts.classes,
            seconds=version.result.seconds.get("total"),
            created_at=version.created_at,
            int8=int8_figure(version.result.int8),
            where="local",
            location=str(version.folder),
        )
        for version in model.versions()
    ]
