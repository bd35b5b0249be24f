"""Liveness: a person before the camera, or a picture of one. Cues and one graded score, which may refer a traveller and never admits one."""
