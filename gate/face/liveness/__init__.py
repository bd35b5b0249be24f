"""Whether a person stands before the camera, or a picture of one: cues, and one graded score.

`passive` asks a model about one frame. `glimpse` takes from each frame of the tracked face what `motion`, `pattern`, `flicker` and
`light` measure over a sequence; `witness` gathers them and `fusion` weighs them. The score may refer a traveller and may never
admit one. It is shown to no traveller.
"""
