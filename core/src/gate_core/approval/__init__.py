"""Who stands behind what a gate's decisions rest on: its canonical text, approvers' notes over its digest, and who they are. Pure."""
