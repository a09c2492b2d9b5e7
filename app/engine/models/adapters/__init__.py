"""The one place in the registry that speaks to onnx and onnxruntime; used in worker processes only."""
