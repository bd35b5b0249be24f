"""What crosses a hardware port."""
