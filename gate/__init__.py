"""Portcullis: the software of one automated border-control gate."""
