"""The auditor's verifier. Judges a log from its bytes alone; shares no code with the program that wrote it."""
