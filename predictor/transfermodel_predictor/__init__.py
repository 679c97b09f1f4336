"""The predictor: serves one artifact by KServe's protocols with ONNX Runtime, without torch."""
