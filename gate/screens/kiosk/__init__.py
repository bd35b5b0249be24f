"""The traveller's page: its states for each view of the lane, its texts, and the small web application that shows it."""
