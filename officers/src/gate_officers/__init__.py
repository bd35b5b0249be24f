"""What officers use away from the gate: the console for many lanes, and the authority that certifies the keys of their shifts."""
