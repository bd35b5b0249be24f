"""The profile that a barrier's settings name: read, checked, and of the protocol that the board speaks."""

from __future__ import annotations

from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.profile_file import ProfileFile

BarrierProfile = ModbusProfile | FramedProfile | ContactsProfile  # `protocol` picks


def read_profile(file: ProfileFile) -> BarrierProfile:
    """Check a profile. Raises SetupError with everything that is wrong, each with file, line and key."""
    profile: BarrierProfile = file.profile(BarrierProfile)
    return profile


def load_profile(name: str) -> BarrierProfile:
    """A shipped profile by its name, or a site's by its absolute path. Raises SetupError."""
    return read_profile(ProfileFile.open(name, room="barrier"))
