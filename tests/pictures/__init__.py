"""The pictures in docs/img, made from what is shipped."""
