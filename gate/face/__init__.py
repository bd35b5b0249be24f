"""Pixels in, scores out: detect, align, embed, judge quality and liveness, follow one person, compare."""
