"""What speaks to ONNX on behalf of learning."""
