"""The detector itself: PyTorch to train it, ONNX Runtime to run it. Knows nothing of Django."""
