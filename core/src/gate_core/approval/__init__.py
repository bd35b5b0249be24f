"""Approval of a gate's configuration: canonical text, signed notes over its digest, and the approvers' keys. Pure."""
