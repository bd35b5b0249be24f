"""What the programs share: how they run, are configured and supervised, and the devices of one configuration."""
