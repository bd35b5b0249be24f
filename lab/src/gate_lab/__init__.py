"""What is measured of comparison and attack detection: error rates, their intervals, groups, and the reports."""
