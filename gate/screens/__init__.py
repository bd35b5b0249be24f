"""The screens: the traveller's page (kiosk), the officers' console (console), and what both share."""
