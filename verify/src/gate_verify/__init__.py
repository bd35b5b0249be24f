"""The auditor's verifier: judges a log from its bytes alone. Shares no code with the program that wrote them."""
