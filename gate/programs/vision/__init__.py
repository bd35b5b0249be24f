"""The vision program and its children: what cameras see. No key, no serial line, no network but a camera's address."""
