"""Sensors that say by themselves whether a person stands before the camera (near infrared, depth): presentation attack detection (PAD) of a vendor's."""
