"""What a site adds to vision's unit."""

from __future__ import annotations

from gate.provision.installation import vision_drop_in


def test_each_camera_is_allowed_once_and_a_scanners_folder_can_be_emptied() -> None:
    text = vision_drop_in(hosts=["192.0.2.7", "192.0.2.7", "2001:db8::7"], folders=["/run/scanner"])
    settings = [line for line in text.splitlines() if not line.startswith("#")]
    assert settings == [
        "[Service]",
        "IPAddressAllow=192.0.2.7",
        "IPAddressAllow=2001:db8::7",
        "ReadWritePaths=/run/scanner",
        "NoExecPaths=/run/scanner",
    ]


def test_usb_devices_need_nothing() -> None:
    assert [line for line in vision_drop_in(hosts=[], folders=[]).splitlines() if "=" in line] == []
