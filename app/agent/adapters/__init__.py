"""What speaks to the machine, to ONNX Runtime and to mDNS."""
