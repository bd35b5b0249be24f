"""The way from a bare machine to a gate in service: its steps by their ids, in their order, and what each is about.

The ids stand in answers, states and reports, and are never renamed. Steps that begin with `first_` are the first door's, of two.
"""

from __future__ import annotations

from typing import Final

BARRIER_TITLES: Final = {
    "watchdog": "The board's host watchdog is written, read back, and seen to work",
    "walk_entry": "One person walks in on one grant",
    "walk_exit": "One person walks out on one grant",
    "grant_ends": "A grant that nobody uses ends by itself",
    "tailgate": "Two people on one grant are told apart",
    "fire": "The fire input opens the leaf, and the emergency ends",
    "host_kill": "A grant ends when the gate's program is killed",
    "power": "The board comes back from a power cut without a grant",
}
_BEFORE: Final = {
    "configuration": "The configuration is written",
    "folders": "The folders are there",
    "log_key": "The log has its key",
    "sealed": "The log's key is sealed by the machine's TPM",
    "unit": "The log program is given the sealed key",
    "plain_key": "The log's key lies nowhere unsealed",
    "device_sealed": "The passphrase of the device's key is sealed by the machine's TPM",
    "device_unit": "The sync program is given the sealed passphrase",
    "device_key": "The device's key lies nowhere unencrypted",
    "models": "The models are there, unchanged",
    "units": "The units let vision reach its cameras",
    "disk": "There is room on the disk",
    "clock": "The clock and its time service",
    "golden_vectors": "The models give their golden values on this machine",
    "lists": "Certificates and lists are imported, and young enough",
    "swipe": "The document reader answers",
    "page": "The page source gives pictures",
    "chip": "The chip reader answers",
    "document": "A document is read, by its zone and by its chip",
    "sensors": "The sensor unit answers",
    "camera_exposure": "The camera's exposure is fixed",
    "camera_control_lag": "How late the camera obeys is measured",
    "camera_lag": "How late the camera sees the display is measured",
    "camera_height": "The camera sees faces at the right height and size",
    "lighting": "The light on a face is bright and even",
    "liveness_sensor": "The sensor that says whether somebody lives answers",
}
_AFTER: Final = {
    "left_bag": "A bag that is left is seen",
    "enrolment": "The gate is enrolled at the central server",
    "recipients": "The auditors have the log's public key",
    "approval": "Two persons have approved the configuration",
}
SEALING: Final = ("sealed", "unit", "plain_key", "device_sealed", "device_unit", "device_key")  # where there is a TPM
NEEDED: Final = ("configuration", "folders", "log_key", *SEALING, "models", "units")  # without them there is no gate
TITLES: Final = {
    **_BEFORE,
    **{f"first_{name}": f"First door: {title}" for name, title in BARRIER_TITLES.items()},
    **BARRIER_TITLES,
    **_AFTER,
}
