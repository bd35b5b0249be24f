"""Register maps as data, one TOML file a kind of board; read by the driver that speaks its protocol."""
