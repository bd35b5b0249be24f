"""The technician's steps at the gate's own devices, what is missing for service, and the acceptance report."""
