"""Shared parts of the web pages: templates, texts, event streams, and the request guard."""
