"""The registers' program: asked by the lane about a document, it answers hit, none or unknown."""
