"""From a bare machine to a gate in service, and to its end: the technician's steps, their checks, and the acceptance report."""
