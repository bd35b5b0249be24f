"""The peer's side of `bench.face_chain`; runs in the peers' own interpreter and imports nothing of ours.

Argument: a picture. For each line on standard input it runs once and answers a JSON line.
"""

import json
import sys
import time

import face_recognition

picture = face_recognition.load_image_file(sys.argv[1])
for _ in sys.stdin:
    started = time.perf_counter()
    places = face_recognition.face_locations(picture)
    encodings = face_recognition.face_encodings(picture, known_face_locations=places)
    took_ms = (time.perf_counter() - started) * 1000
    if len(encodings) != 1:
        sys.exit(f"the peer found {len(encodings)} faces")
    sys.stdout.write(json.dumps({"took_ms": took_ms}) + "\n")
    sys.stdout.flush()
