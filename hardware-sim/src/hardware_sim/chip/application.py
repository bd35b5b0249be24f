"""The passport application on the chip: its answers and refusals.

A strict state machine (ICAO 9303-11 §4, §6 and §9.8, ISO/IEC 7816-4): every command after access control is protected;
the first broken or plain command ends the session. `reading` decides what may be selected and read; the card adds
delays. The source of randomness is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hardware_sim.chip import RefusedError, SmError, crypto, pace, status, terminal
from hardware_sim.chip.apdu import EXTENDED_NE_MAX, SHORT_NE_MAX, BadApduError, Command, Response, parse
from hardware_sim.chip.files import FileSystem, Place
from hardware_sim.chip.protocols import KEY_REFERENCE, Protocols, agree
from hardware_sim.chip.quirks import PLAIN_CHIP, Lie, Quirks, protect
from hardware_sim.chip.reading import Reading, State
from hardware_sim.chip.secure_messaging import NONCE_BYTES, PROOF_BYTES, Session, answer_proof
from hardware_sim.passport.abilities import AgreementKey
from hardware_sim.passport.algorithms import Mapping, Pace
from hardware_sim.passport.issuer import Passport
from hardware_sim.passport.mrz import document_number

_AA_CHALLENGE_BYTES: Final = 8
_KEY_MATERIAL_BYTES: Final = 16
_CHAINED: Final = 0x10
_LONG_INSTRUCTIONS: Final = frozenset({0x2A, 0x82})  # certificates and signatures may come in a chain of short commands
_CHAIN_BYTES_MAX: Final = 4096
_GET_RESPONSE: Final = bytes.fromhex("00C00000")
_CHAINED_STEPS: Final = 3  # nonce, mapping, agreement; the token follows


class Application:
    """One chip's application, from power on. `wrong_keys` counts the failed proofs since the last valid one."""

    def __init__(
        self, passport: Passport, *, random_bytes: Callable[[int], bytes], quirks: Quirks = PLAIN_CHIP
    ) -> None:
        self._reading = Reading(FileSystem(passport.files), quirks)
        self._abilities = passport.abilities
        self._keys = crypto.document_keys(passport.mrz_lines)
        self._number = document_number(passport.mrz_lines).encode("ascii")
        self._protocols = Protocols(passport, random_bytes, quirks)
        self._chip_key = passport.chip_key
        self._random_bytes = random_bytes
        self._quirks = quirks
        self._state = State()
        self._next_session: Session | None = None
        self._answered = 0
        self._last_answer: Response | None = None
        self._old_signature: bytes | None = None
        self._waiting: Response | None = None
        self.wrong_keys = 0

    def reset(self) -> None:
        """Power off and on: forget session, selection and challenge."""
        self._state = State()
        self._waiting = None

    def answer(self, apdu: bytes) -> Response:
        """Answer one command of any bytes; in pieces, if the chip is configured so."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and len(apdu) == 5 and apdu[:4] == _GET_RESPONSE:
            return self._piece(waiting, apdu[4] or SHORT_NE_MAX)
        answer = self._answer(apdu)
        if self._quirks.piece_bytes is None or len(answer.body) <= self._quirks.piece_bytes:
            return answer
        return self._piece(answer, self._quirks.piece_bytes)

    def _piece(self, whole: Response, count: int) -> Response:
        """Return this many bytes of the answer, and keep the rest (ISO/IEC 7816-4 §5.3.4)."""
        rest = whole.body[count:]
        if not rest:
            return whole
        self._waiting = Response(whole.status, rest)
        return Response(status.MORE | min(len(rest), SHORT_NE_MAX) % SHORT_NE_MAX, whole.body[:count])

    def _answer(self, apdu: bytes) -> Response:
        try:
            command = parse(apdu)
        except BadApduError:
            return Response(status.WRONG_LENGTH)
        if command.extended and self._quirks.no_extended_length:
            return Response(status.WRONG_LENGTH)
        match command.cla, self._state.session:
            case ((0x0C | 0x1C), None):
                return Response(status.NOT_ALLOWED)
            case ((0x0C | 0x1C), Session() as session):
                return self._run_protected(session, command)
            case ((0x00 | 0x10), _):
                if command.cla == _CHAINED and command.ins != 0x86:
                    return Response(status.NO_CLASS)
                # An unprotected command ends the session (ICAO 9303-11 §9.8.2).
                if self._state.session is not None:
                    self._state = State(self._state.place)
                answer = self._run(command)
                self._go_over()
                return answer
            case _:
                return Response(status.NO_CLASS)

    def _run_protected(self, session: Session, protected: Command) -> Response:
        try:
            command = session.open(protected)
        except SmError as broken:
            self._state = State(self._state.place)
            return Response(broken.status)
        refused = self._reading.over_limit(command)
        if refused is not None and self._quirks.le_ends_session:
            self._state = State(self._state.place)
            return Response(refused)
        in_pieces = self._quirks.piece_bytes is not None
        room = session.plain_bytes_max(EXTENDED_NE_MAX if in_pieces else protected.ne or 0)
        lie = self._quirks.lie if self._answered >= self._quirks.lie_after_answers else None
        answer = protect(lie, session, self._run(command, room=room), self._last_answer, odd=command.ins % 2 == 1)
        self._answered, self._last_answer = self._answered + 1, answer
        self._go_over()
        return answer

    def _go_over(self) -> None:
        """Activate the new keys after the answer to Chip Authentication, which still uses the old state (§6.2.4)."""
        if self._next_session is not None:
            self._state = replace(self._state, session=self._next_session)
            self._next_session = None

    def _run(self, command: Command, *, room: int = EXTENDED_NE_MAX) -> Response:
        before = self._state
        self._state = before.without_halves()
        try:
            whole = self._joined(command, before)
            return Response(status.DONE) if whole is None else self._dispatch(whole, before, room)
        except RefusedError as refused:
            return Response(refused.status)

    def _joined(self, command: Command, before: State) -> Command | None:
        """Return the command with the earlier parts of its chain; None while the chain continues (ISO/IEC 7816-4 §5.3.3)."""
        if command.ins not in _LONG_INSTRUCTIONS:
            return command
        body = before.part + command.body
        if len(body) > _CHAIN_BYTES_MAX:
            raise RefusedError(status.WRONG_LENGTH)
        if command.cla != _CHAINED:
            return replace(command, body=body)
        self._state = replace(before, part=body)  # the state before the command, except for the part
        return None

    def _dispatch(self, command: Command, before: State, room: int) -> Response:
        match command.ins:
            case 0xA4:
                return self._then(*self._reading.select(self._state, command))
            case 0x84:
                return self._get_challenge(command)
            case 0x82:
                return self._external_authenticate(command, before)
            case 0x88:
                return self._internal_authenticate(command, room)
            case 0xB0:
                return self._then(*self._reading.read_binary(self._state, command, room))
            case 0xB1:
                return self._then(*self._reading.read_binary_far(self._state, command, room))
            case 0x22:
                return self._manage_security(command)
            case 0x86:
                return self._general_authenticate(command, before)
            case 0x2A:
                return self._verify_certificate(command)
            case _:
                return Response(status.NO_INSTRUCTION)

    def _then(self, state: State, response: Response) -> Response:
        """Set the state, and return the response."""
        self._state = state
        return response

    def _get_challenge(self, command: Command) -> Response:
        state = self._state
        if state.session is None and self._quirks.challenge_status is not None:
            return Response(self._quirks.challenge_status)
        if state.session is None and self._quirks.no_access_control:
            return Response(status.NO_INSTRUCTION)
        for_terminal = state.chain is not None and state.chain.terminal is not None
        if state.place is Place.MASTER or not (for_terminal or (state.session is None and self._bac())):
            return Response(status.CONDITIONS_MISSING)
        if command.ne is None or command.ne not in {NONCE_BYTES, SHORT_NE_MAX}:
            return Response(status.WRONG_LENGTH)
        nonce = self._random_bytes(NONCE_BYTES)
        chain = None if state.chain is None else replace(state.chain, nonce=nonce)
        self._state = replace(state, nonce=nonce, chain=chain)
        return Response(status.DONE, nonce)

    def _bac(self) -> bool:
        return self._abilities.bac and not self._quirks.bac_refused

    def _external_authenticate(self, command: Command, before: State) -> Response:
        if before.chain is not None:
            return self._authenticate_terminal(command, before, before.chain)
        if before.nonce is None:
            return Response(status.CONDITIONS_MISSING)
        if len(command.body) != PROOF_BYTES:
            return Response(status.WRONG_LENGTH)
        material = self._random_bytes(_KEY_MATERIAL_BYTES)
        granted = answer_proof(self._keys, command.body, nonce=before.nonce, key_material=material)
        if granted is None:
            self.wrong_keys += 1
            return Response(self._quirks.wrong_key_status)
        proof, session = granted
        self.wrong_keys = 0
        self._state = replace(self._state, session=session, begun_in=Place.APPLICATION, identity=self._number)
        return Response(status.DONE, proof)

    def _authenticate_terminal(self, command: Command, before: State, chain: terminal.Chain) -> Response:
        rights = terminal.verify_terminal(
            chain, command.body, chip_identity=before.identity, terminal_key=before.terminal_key
        )
        self._state = replace(self._state, rights=rights)
        return Response(status.DONE)

    def _internal_authenticate(self, command: Command, room: int) -> Response:
        if not self._inside_application():
            return Response(status.NOT_ALLOWED)
        if self._chip_key is None:
            return Response(status.NO_INSTRUCTION)
        if len(command.body) != _AA_CHALLENGE_BYTES:
            return Response(status.WRONG_LENGTH)
        signature = self._chip_key.answer(command.body)
        if self._quirks.lie is Lie.AA_REPLAY:
            self._old_signature = self._old_signature or self._chip_key.answer(self._random_bytes(_AA_CHALLENGE_BYTES))
            signature = self._old_signature
        most = room if self._quirks.piece_bytes is not None else min(command.ne or 0, room)
        if len(signature) > most:
            return Response(status.WRONG_LENGTH)  # without pieces an answer is whole or refused
        return Response(status.DONE, signature)

    def _manage_security(self, command: Command) -> Response:
        fields = terminal.parse_objects(command.body)
        match command.p1, command.p2, self._state.session:
            case 0xC1, 0xA4, None if self._state.place is Place.MASTER:
                way, run = self._protocols.begin_pace(fields)
                self._state = replace(self._state, run=run, way=way)
            case 0x41, 0xA4, _ if self._inside_application():
                chosen = self._protocols.agreement_key(fields.get(KEY_REFERENCE), fields.get(0x80, b""))
                self._state = replace(self._state, chosen=chosen)
            case 0x41, 0xA6, _ if self._inside_application():
                chosen = self._protocols.agreement_key(fields.get(KEY_REFERENCE), None)
                self._agree(chosen, fields.get(0x91, b""))
            case 0x81, 0xB6, Session() if self._state.chain is not None:
                self._state = replace(self._state, chain=terminal.set_verifier(self._state.chain, fields))
            case 0x81, 0xA4, Session() if self._state.chain is not None:
                self._state = replace(self._state, chain=terminal.set_terminal(self._state.chain, fields))
            case ((0xC1 | 0x41 | 0x81), (0xA4 | 0xA6 | 0xB6), _):
                raise RefusedError(status.CONDITIONS_MISSING)
            case _:
                raise RefusedError(status.WRONG_PARAMETERS)
        return Response(status.DONE)

    def _inside_application(self) -> bool:
        return self._state.place is Place.APPLICATION and self._reading.inside(self._state)

    def _verify_certificate(self, command: Command) -> Response:
        if (command.p1, command.p2) != (0x00, 0xBE):
            return Response(status.WRONG_PARAMETERS)
        if self._state.chain is None:
            return Response(status.CONDITIONS_MISSING)
        self._state = replace(self._state, chain=terminal.verify_certificate(self._state.chain, command.body))
        return Response(status.DONE)

    def _general_authenticate(self, command: Command, before: State) -> Response:
        if (command.p1, command.p2) != (0, 0):
            return Response(status.WRONG_PARAMETERS)
        if before.chosen is not None:
            self._agree(before.chosen, terminal.dynamic_data(command.body).get(0x80, b""))
            return Response(status.DONE, terminal.wrap_dynamic())
        if before.run is None or before.way is None:
            return Response(status.CONDITIONS_MISSING)
        return self._continue_pace(command, before, before.run, before.way)

    def _agree(self, key: AgreementKey, terminal_key: bytes) -> None:
        """Prepare the next command's session keys, and begin Terminal Authentication, bound to the terminal's key."""
        self._next_session = Session(agree(key, terminal_key))
        if self._state.session is None:
            self._state = replace(self._state, begun_in=Place.APPLICATION)
        self._state = self._terminal_may_begin(self._state, terminal.compressed(key.parameter_id, terminal_key))

    def _terminal_may_begin(self, state: State, terminal_key: bytes) -> State:
        """Return the state after Chip Authentication, or PACE with its mapping (ICAO 9303-11 §7.1.2)."""
        trusted = self._abilities.trust_point
        chain = None if trusted is None else terminal.begin(trusted)
        return replace(state, chain=chain, terminal_key=terminal_key, rights=0)

    def _continue_pace(self, command: Command, before: State, run: pace.Conversation, way: Pace) -> Response:
        """Return the answer to one step of PACE: all but the last of four commands are chained (9303-11 §4.4.4.2)."""
        is_last = before.run_chained == _CHAINED_STEPS
        if (command.cla == _CHAINED) == is_last:
            return Response(status.LAST_COMMAND_EXPECTED)
        try:
            answer = run.send(terminal.dynamic_data(command.body))
        except StopIteration as over:
            agreed: pace.Agreed = over.value
            self.wrong_keys = 0
            named = terminal.compressed(way.parameter_id, agreed.chip_ephemeral)
            self._state = replace(
                self._state,
                session=Session(agreed.keys),
                begun_in=Place.MASTER,
                file=None,
                identity=self._number if self._quirks.static_binding else named,
            )
            if way.mapping is Mapping.CHIP_AUTHENTICATION:
                key = terminal.compressed(way.parameter_id, agreed.terminal_ephemeral)
                self._state = self._terminal_may_begin(self._state, key)
            return Response(status.DONE, terminal.wrap_dynamic(agreed.answer))
        except RefusedError as refused:
            self.wrong_keys += refused.status == status.PROOF_WRONG
            raise
        self._state = replace(self._state, run=run, way=way, run_chained=before.run_chained + 1)
        return Response(status.DONE, terminal.wrap_dynamic(answer))
