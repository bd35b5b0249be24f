"""Parts of every web page: templates, texts, event streams, and limits of a request."""
