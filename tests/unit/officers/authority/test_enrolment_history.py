"""A person as the list of the authority shows them: invited, lapsed or enrolled, and when they were certified last."""

from __future__ import annotations

from gate_core.evidence.names import Role
from gate_core.orders.verbs import Party
from gate_officers.authority.enrolment_history import Invitation, Passkey, Person, Standing

STANDING = Standing(gates=("north-7", "south-1"), party=Party.POLICE, role=Role.OFFICER, trained=False)


def test_an_invitation_lapses_when_its_time_is_over_and_a_passkey_enrols() -> None:
    invited = Person(STANDING, Invitation("0" * 64, until=100, synced=False))
    assert (invited.state(99), invited.state(100)) == ("invited", "lapsed")
    assert Person(STANDING, passkey=Passkey(b"c", b"k", 0, synced=False)).state(100) == "enrolled"


def test_the_list_names_gates_state_and_the_last_certificate() -> None:
    person = Person(STANDING, passkey=Passkey(b"c", b"k", 3, synced=True), certified=0)
    assert person.line("anna", 100).split() == [
        "anna",
        "officer",
        "police",
        "enrolled",
        "north-7",
        "south-1;",
        "certified",
        "1970-01-01T00:00:00Z;",
        "synced",
    ]
    assert person.fields("anna", 100)["certified"] == "1970-01-01T00:00:00Z"
