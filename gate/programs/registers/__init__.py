"""The registers program: answers the lane's questions about a document with hit, none or unknown."""
