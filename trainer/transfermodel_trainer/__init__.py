"""The training Job's program: data and a backbone in, a published artifact out."""

import transfermodel_predictor  # noqa: F401 - before ONNX Runtime is imported: it then tells nobody of the model
