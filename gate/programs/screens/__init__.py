"""The screens program: shows the traveller's page and relays officers' orders, but cannot make any. Has no devices."""
