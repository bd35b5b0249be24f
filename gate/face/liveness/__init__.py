"""Whether a person stands before the camera, or a picture of one: cues, and one graded score, which may refer a traveller and may never admit one."""
