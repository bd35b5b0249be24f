"""The sounds of the officers' console, made by a script."""
