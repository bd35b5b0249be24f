"""The traveller's page: what a lane's view looks like, its texts, and the small web application that shows it."""
