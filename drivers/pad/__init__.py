"""Sensors with their own verdict whether a person stands before the camera (near infrared, depth): a vendor's presentation attack detection (PAD)."""
