"""Office tools for gates: error rates, attack detection, rates by group and their reports; updates, lists, rules and answers to travellers."""
