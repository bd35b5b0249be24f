"""The screens program: what travellers see, and officers' orders on their way. It can make no order and sees no device."""
