"""The console program: the officers' pages for many gates, on a machine of its own. It holds no officer's key and can make no order."""
