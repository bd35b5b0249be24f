"""What people see: the traveller's page (kiosk), the officers' console (console), and what both share."""
