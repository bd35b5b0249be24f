"""Whether a person stands before the camera, or a picture of one: cues, and one graded score.

`frame_features` takes from each frame of the tracked face what `motion`, `pattern` and `light` measure over a sequence; `liveness_aggregate` asks a
model about single frames and gathers all of them, and `fusion` weighs them. The score may refer a traveller and may never
admit one. It is shown to no traveller.
"""
