"""TransferModel.spec: what the user wants."""

from typing import Literal, Self

from pydantic import model_validator

from transfermodel_operator.api.meta import ApiModel
from transfermodel_operator.api.scalars import rule, rules
from transfermodel_operator.api.spec.backbone import Backbone
from transfermodel_operator.api.spec.data import Data
from transfermodel_operator.api.spec.serving import Output, Serving
from transfermodel_operator.api.spec.training import Training

Task = Literal["ImageClassification", "TextClassification", "AudioClassification"]


class TransferModelSpec(ApiModel):
    """A task, a pretrained backbone and data: what to learn, from what, and how to serve it."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "!has(self.backbone.weights) || !has(self.backbone.weights.scratch) || "
                "(self.training.strategy == 'FineTuning' && has(self.training.fineTuning) "
                "&& has(self.training.fineTuning.unfreeze) && self.training.fineTuning.unfreeze == 'All')",
                "weights {scratch: true} have nothing to extract: "
                "use training {strategy: FineTuning, fineTuning: {unfreeze: All}}",
            ),
            rule(
                "!has(self.backbone.name) || (self.backbone.name.startsWith('torchvision/') || "
                "self.backbone.name.startsWith('timm/')) == (self.task != 'TextClassification')",
                "the backbone does not fit the task: images and audio need torchvision/ or timm/, text needs "
                "sentence-transformers/ or transformers/",
            ),
            rule(
                "!has(self.backbone.weights) || !has(self.backbone.weights.uri) || "
                "self.backbone.weights.uri.endsWith('.safetensors') == (self.task != 'TextClassification')",
                "weights.uri must be a .safetensors file for images and audio (pickled weights are never loaded), "
                "and a folder or an archive with config.json, tokenizer.json and model.safetensors for text",
            ),
            rule(
                "self.task != 'ImageClassification' || !has(self.backbone.weights) || "
                "has(self.backbone.weights.name) || has(self.backbone.input)",
                "input is required with weights.uri and weights.scratch: they bring no preprocessing of their own",
            ),
            rule(
                "self.task != 'ImageClassification' || !has(self.backbone.input) || (has(self.backbone.input.size) && "
                "!has(self.backbone.input.maxTokens) && !has(self.backbone.input.sampleRate) && "
                "!has(self.backbone.input.clipSeconds))",
                "input of images needs size, and knows no maxTokens, sampleRate and clipSeconds",
            ),
            rule(
                "self.task != 'TextClassification' || !has(self.backbone.input) || (!has(self.backbone.input.size) && "
                "!has(self.backbone.input.mean) && self.backbone.input.resize == 'ShortestSide' && "
                "self.backbone.input.interpolation == 'bilinear' && !has(self.backbone.input.sampleRate) && "
                "!has(self.backbone.input.clipSeconds))",
                "input of text knows only maxTokens",
            ),
            rule(
                "self.task != 'AudioClassification' || !has(self.backbone.input) || (!has(self.backbone.input.mean) && "
                "self.backbone.input.resize == 'ShortestSide' && self.backbone.input.interpolation == 'bilinear' && "
                "!has(self.backbone.input.maxTokens))",
                "input of audio knows only size, sampleRate and clipSeconds",
            ),
            rule(
                "self.task != 'TextClassification' || !has(self.backbone.weights) || "
                "!has(self.backbone.weights.scratch)",
                "text needs a pretrained encoder: set weights.name or weights.uri",
            ),
        )
    }

    task: Task
    """What the model does."""
    backbone: Backbone
    """The pretrained network to start from."""
    data: Data
    """The data to learn from and to be judged on."""
    training: Training = Training()
    """How and where the training run happens."""
    output: Output | None = None
    """Where artifacts are stored; default from the operator's settings."""
    serving: Serving = Serving()
    """How the newest version is served."""
    suspend: bool = False
    """Stop training and start no new run; what serves goes on serving."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        """Hold the one-of rules for readers that have no API server (CEL holds them there)."""
        backbone = self.backbone
        if (backbone.name is None) == (backbone.from_transfer_model is None):
            raise ValueError("spec.backbone: set exactly one of name and fromTransferModel")
        weights = backbone.weights
        if weights is not None and sum(x is not None for x in (weights.name, weights.uri, weights.scratch)) != 1:
            raise ValueError("spec.backbone.weights: set exactly one of name, uri and scratch")
        return self
