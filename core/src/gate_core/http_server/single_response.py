"""One answer to a request, whatever follows it: uvicorn would begin a second one, and fail with its own words in the journal."""

from __future__ import annotations

from uvicorn.protocols.http.h11_impl import H11Protocol


class SingleResponseProtocol(H11Protocol):
    """uvicorn's connection."""

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP in the midst of a request takes the place of its answer, and after that ends the connection."""
        if bool(self.cycle):
            self.cycle.disconnected = True  # whatever the application says now is not sent
            if self.cycle.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)
