"""The document child: the process in which one crossing's document is read and judged, and with which it is forgotten."""
