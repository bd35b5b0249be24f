"""The officers' console for many lanes, and the authority that certifies their shift keys."""
