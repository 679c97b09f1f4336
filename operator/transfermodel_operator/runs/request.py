"""What the trainer is told: the same from the operator and from the command on one machine."""

from transfermodel_operator.api import BaseArtifact, RunBackbone, RunRequest, TransferModelSpec
from transfermodel_operator.api.run import RunData, RunTraining
from transfermodel_operator.runs.key import fixed_fields


def run_request(
    *,
    run: str,
    namespace: str,
    name: str,
    spec: TransferModelSpec,
    base: BaseArtifact | None,
    output_uri: str,
    allow_named_weights: bool,
    gpus: int = 0,
) -> RunRequest:
    """Return what the trainer needs to know; run: the run's key, base: what spec.backbone.fromTransferModel names."""
    backbone, data, training = spec.backbone, spec.data, spec.training
    return RunRequest(
        run=run,
        namespace=namespace,
        name=name,
        task=spec.task,
        backbone=RunBackbone(name=backbone.name, weights=backbone.weights, base=base, input=backbone.input),
        data=RunData(
            train=data.train,
            validation=data.validation,
            test=data.test,
            format=data.format,
            **({} if data.validation_fraction is None else {"validation_fraction": data.validation_fraction}),
        ),
        training=RunTraining(
            strategy=training.strategy,
            fine_tuning=training.fine_tuning,
            search=training.search,
            fixed=fixed_fields(training) if training.search is not None else None,
            seed=training.seed,
            max_duration_seconds=training.max_duration_seconds,
            checkpoint_interval_seconds=training.checkpoint_interval_seconds,
            budget=training.budget,
        ),
        output_uri=output_uri.rstrip("/"),
        allow_named_weights=allow_named_weights,
        gpus=gpus,
    )
