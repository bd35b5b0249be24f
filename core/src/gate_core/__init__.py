"""Shared by all of Portcullis: ports, settings, evidence, log format, orders, approvals, web pages, programs, commands.

Imports no image or inference library, no driver, and no other package of Portcullis.
"""
