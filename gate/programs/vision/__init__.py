"""The vision program and its children: camera pictures. No key, no serial line, no network but a camera's address."""
