"""What offices do with gates: error rates, attack detection, groups and their reports; updates, lists, rules and answers to travellers."""
