"""A whole gate on simulated hardware: the world, the stage, travellers, and what log and judge say of them."""
