"""The officers' console: the lanes of many gates, decisions about travellers, and orders to gates."""
