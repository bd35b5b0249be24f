"""What people see: the traveller's page (kiosk)."""
