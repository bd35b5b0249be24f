"""Converts published weights to ONNX files. Run by `gate models fetch`, never by a gate in service."""
