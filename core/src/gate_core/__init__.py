"""What every program of Portcullis may use: ports, settings, evidence, the format of the log, orders, approvals, pages, programs and commands.

Needs neither an image nor an inference library nor a driver, and imports nothing else of ours.
"""
