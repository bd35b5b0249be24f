"""A whole gate on simulated hardware: the world, the stage, travellers, and the results of the log and the judge."""
