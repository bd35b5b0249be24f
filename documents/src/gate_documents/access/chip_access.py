"""Opening a chip: PACE if EF.CardAccess offers it, Basic Access Control only if there is no such file (ICAO 9303-11 §4.2).

Chips report a missing file in many ways. Each is safe to accept, because an attacker between chip and reader can send the plainest
of them; but none is accepted after a byte of the file was received, and anything else keeps the chip closed.

The oldest documents have neither, and anyone may read them (TR-03135-1 §5.6.3.1). A chip counts as one of those only if it has no
EF.CardAccess, reports that it does not know the first command of Basic Access Control, and gives EF.COM or EF.SOD in clear.

There is no fallback from PACE to Basic Access Control: a chip that offers PACE and fails in it stays closed, because an attacker
between chip and reader could make it fail. Nor is there one to reading in clear from a chip that gave a challenge, or refused it
for any other reason. EF.DG14 shows later whether EF.CardAccess was removed or weakened.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from gate_documents.access.bac import open_with_bac
from gate_documents.access.commands import FILE_NOT_FOUND, OK, Command, Response, Transmit
from gate_documents.access.conversation import Conversation
from gate_documents.access.file_reader import FileReader
from gate_documents.access.pace import MappingProof, PaceWay, Password, choose_way, open_with_pace
from gate_documents.errors import (
    AccessDeniedError,
    AccessUnknownError,
    ChipStatusError,
    MalformedError,
    SecureMessagingError,
)
from gate_documents.lds.atr_info import SHORT_RESPONSE_BYTES, response_bytes_max
from gate_documents.lds.card_access import parse_card_access
from gate_documents.lds.files import ATR_INFO, CARD_ACCESS, COM, SOD, File

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gate_documents.access.secure_messaging import SecureMessaging
    from gate_documents.lds.security_infos import SecurityInfos
    from gate_documents.mrz.parser import MrzKey

T = TypeVar("T")
SHORT_COMMAND_BYTES: Final = 223  # what a short command holds once it is protected
_CHAINED: Final = 0x10
REOPENINGS_MAX: Final = 8  # twice as many as there are sizes of a block; a chip that wants more is given up
_APPLICATION: Final = bytes.fromhex("A0000002471001")
_MASTER_FILE: Final = bytes.fromhex("3F00")
# Statuses besides 6A82 for a missing EF.CardAccess: selected file out of use, files not accessible yet, conditions missing, no file
# selected, wrong parameters, instruction or class, or an unspecific error.
_NO_SUCH_FILE: Final = frozenset(
    {0x6283, FILE_NOT_FOUND, 0x6982, 0x6985, 0x6986, 0x6A81, 0x6A86, 0x6B00, 0x6D00, 0x6E00, 0x6F00}
)
_PROTECTION_BYTES: Final = 37  # the most that protection adds to a block, including padding and status word
_SHORT_BLOCK_BYTES: Final = 223


class Chip:
    """One chip, opened with the key of the MRZ or the card access number. Steps are generators that yield Transmit.

    `offered`: EF.CardAccess's content, None without it. `way`: the PACE chosen from it. `in_clear`: the chip has no
    access control, None until it was opened; it is reopened as it was opened first. `proofs`: the chip's proofs of
    PACE-CAM, one per opening. `identities`: the chip's possible names in Terminal Authentication, the standard's first;
    `terminal_key`: our newest key of Chip Authentication or PACE-CAM as named there, None without one (ICAO 9303-11
    §7.1.2).
    """

    def __init__(
        self,
        *,
        mrz_key: MrzKey | None,
        card_access_number: str | None = None,
        random: Callable[[int], bytes],
        extended: bool = True,
    ) -> None:
        """`extended` is False for a reader without long answers. Raises CardAccessNumberError."""
        self._mrz_key = mrz_key
        self._number = card_access_number
        self._of_number = None if card_access_number is None else Password.of_card_access_number(card_access_number)
        self._random = random
        self._conversation = Conversation(extended=extended)
        self._reader = FileReader(self._conversation)
        self._looked = False
        self._entered = False
        self._reopenings_left = REOPENINGS_MAX
        self._after_entering: Callable[[], Generator[Transmit, bytes | None, None]] | None = None
        self.offered: SecurityInfos | None = None
        self.way: PaceWay | None = None
        self.in_clear: bool | None = None
        self.proofs: list[MappingProof] = []
        self.identities: tuple[bytes, ...] = ()
        self.terminal_key: bytes | None = None

    @property
    def block_bytes(self) -> int:
        """The block size of the session's cipher."""
        return self._conversation.block_bytes

    @property
    def opened_with_number(self) -> bool:
        """True if the card access number opened the chip, not the MRZ."""
        return self.way is not None and self._number is not None

    def open(self) -> Generator[Transmit, bytes | None, None]:
        """Open the chip. The master file remains selected after PACE, else the application.

        Raises AccessDeniedError.
        """
        self._conversation.begin()
        self.terminal_key = None
        yield from self._conversation.ask(Command(0xA4, 0x00, 0x0C, _MASTER_FILE))  # some chips refuse what is selected
        if not self._looked:
            self.offered = yield from self._look()
            yield from self._learn_lengths()
            self._looked = True
        if self.offered is None:
            yield from self._open_with_bac()
        else:
            yield from self._open_with_pace(self.offered)

    def enter(self) -> Generator[Transmit, bytes | None, None]:
        """Select the passport application, after the master file's files were read. Raises AccessDeniedError."""
        if self.way is not None:
            yield from self._select_application()
        self._entered = True

    def reopen(self) -> Generator[Transmit, bytes | None, None]:
        """Reopen the chip after its session ended, and restore the conversation's state.

        Raises AccessDeniedError for any failure: otherwise what follows might not be read from the proven chip.
        """
        if self._reopenings_left == 0:
            raise AccessDeniedError("the chip ends its sessions too often")
        self._reopenings_left -= 1
        try:
            yield from self.open()
            if self._entered:
                yield from self.enter()
            if self._after_entering is not None:
                yield from self._after_entering()
        except (ChipStatusError, MalformedError) as error:
            raise AccessDeniedError(f"the chip cannot be opened again: {error}") from error

    def rekey(
        self,
        session: SecureMessaging,
        again: Callable[[], Generator[Transmit, bytes | None, None]],
        *,
        terminal_key: bytes,
    ) -> None:
        """Continue with the keys of Chip Authentication; `again` repeats it after each reopening."""
        if self.in_clear:
            self._reader.forget_proven()
        self._conversation.secure(session)
        self.terminal_key = terminal_key
        self._after_entering = again

    def forget_rekeying(self) -> None:
        """Chip Authentication has failed: continue without it."""
        self._after_entering = None
        self.terminal_key = None

    def read(self, file: File) -> Generator[Transmit, bytes | None, bytes | None]:
        """Return a file's whole content, or None if the chip has no such file.

        Raises ChipStatusError if the chip refuses, MalformedError if the file is not of its kind, FileTooLongError if
        it is longer.
        """
        return (yield from self._persistently(lambda: self._reader.read(file)))

    def look(self, file: File) -> Generator[Transmit, bytes | None, bool]:
        """Return whether the chip has this file; only its head is read. Raises as `read` does."""
        return (yield from self._persistently(lambda: self._reader.look(file)))

    def read_fixed(self, file: File, size: int) -> Generator[Transmit, bytes | None, bytes | None]:
        """Return at most this many bytes of a file that is no single element. Raises as `read` does."""
        return (yield from self._persistently(lambda: self._reader.read_fixed(file, size)))

    def _persistently(
        self, step: Callable[[], Generator[Transmit, bytes | None, T]]
    ) -> Generator[Transmit, bytes | None, T]:
        """Read within the session if there is one; reopen the chip if it ended the session over a block's size."""
        while True:
            try:
                self._conversation.require_open()
                return (yield from step())
            except SecureMessagingError as error:
                if error.status is None or not self._reader.go_down(error.status):
                    raise
                yield from self.reopen()

    def ask(self, command: Command) -> Generator[Transmit, bytes | None, Response]:
        """Send a command within the session, or in clear to a chip that has no access control."""
        self._conversation.require_open()
        return (yield from self._conversation.ask(command))

    def ask_at_length(self, command: Command) -> Generator[Transmit, bytes | None, Response]:
        """Send a command with much data: in a chain of short ones to a chip that has given nothing with extended length.

        ISO/IEC 7816-4 §5.3.3. Returns the answer to the last, or to the first that was refused.
        """
        size = len(command.data) if self._reader.extended_proven else SHORT_COMMAND_BYTES
        parts = [command.data[at : at + size] for at in range(0, len(command.data), size)]
        for part in parts[:-1]:
            answer = yield from self.ask(replace(command, data=part, instruction_class=_CHAINED))
            if answer.status != OK:
                return answer
        return (yield from self.ask(replace(command, data=parts[-1])))

    def _look(self) -> Generator[Transmit, bytes | None, SecurityInfos | None]:
        """Return EF.CardAccess's offers, None without the file."""
        try:
            content = yield from self._reader.read(CARD_ACCESS, denials=_NO_SUCH_FILE)
            return None if content is None else parse_card_access(content)
        except ChipStatusError as error:
            raise AccessDeniedError(str(error)) from error
        except MalformedError as error:
            raise AccessDeniedError(f"EF.CardAccess cannot be relied on: {error}") from error

    def _learn_lengths(self) -> Generator[Transmit, bytes | None, None]:
        """Limit blocks to EF.ATR/INFO's length. Most chips have none; their limit is found by trying."""
        if not self._conversation.extended:
            return
        response_bytes = response_bytes_max((yield from self._reader.read_short(ATR_INFO)))
        if response_bytes is None:
            return
        size = response_bytes - _PROTECTION_BYTES
        self._reader.limit(max(size, _SHORT_BLOCK_BYTES) if response_bytes >= SHORT_RESPONSE_BYTES else size)

    def _open_with_bac(self) -> Generator[Transmit, bytes | None, None]:
        yield from self._select_application()
        if self._mrz_key is None:
            raise AccessDeniedError("the chip opens with the printed MRZ only, and none was given")
        try:
            session = yield from open_with_bac(self._mrz_key, random=self._random)
        except AccessUnknownError:
            yield from self._open_in_clear()
        else:
            self._open_as_before(in_clear=False)
            self._conversation.secure(session)
        self.identities = (self._mrz_key.number.encode("ascii"),)  # with its check digit

    def _open_in_clear(self) -> Generator[Transmit, bytes | None, None]:
        """Try whether anyone may read the chip: it then gives EF.COM, which it may lack, or EF.SOD."""
        self._open_as_before(in_clear=True)
        for file in (COM, SOD):
            try:
                readable = yield from self._reader.look(file)
            except (ChipStatusError, MalformedError):
                readable = False
            if readable:
                self._conversation.open_in_clear()
                return
        raise AccessDeniedError("the chip knows no Basic Access Control, and cannot be read without it either")

    def _open_as_before(self, *, in_clear: bool) -> None:
        if self.in_clear not in (None, in_clear):
            raise AccessDeniedError("the chip opens in another way than before")
        self.in_clear = in_clear

    def _open_with_pace(self, offered: SecurityInfos) -> Generator[Transmit, bytes | None, None]:
        self.way = choose_way(offered)
        if self.way is None:
            raise AccessDeniedError("EF.CardAccess offers no PACE that we know")
        opened = yield from open_with_pace(self.way, self._password(), random=self._random)
        self._conversation.secure(opened.session)
        # Some states bind the terminal to what is printed instead (TR-03110-1, "static binding").
        self.identities = opened.chip_key, self._printed()
        if opened.proof is not None:
            self.proofs.append(opened.proof)
            self.terminal_key = opened.terminal_key

    def _printed(self) -> bytes:
        """Return the password's text: the card access number, or the document's number with its check digit."""
        if self._number is not None:
            return self._number.encode("ascii")
        return b"" if self._mrz_key is None else self._mrz_key.number.encode("ascii")

    def _password(self) -> Password:
        if self._of_number is not None:
            return self._of_number
        if self._mrz_key is None:
            raise AccessDeniedError("neither the printed MRZ nor the card access number was given")
        return Password.of_mrz(self._mrz_key)

    def _select_application(self) -> Generator[Transmit, bytes | None, None]:
        selected = yield from self._conversation.ask(Command(0xA4, 0x04, 0x0C, _APPLICATION))
        if selected.status != OK:
            raise AccessDeniedError(f"the chip has no passport application: status {selected.status:04X}")
