"""Messages between our programs: schema, limits, sockets."""
