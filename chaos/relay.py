"""What listens in front of a server and passes bytes on, to be disturbed on the way."""

import socket
import threading
from abc import ABC, abstractmethod
from contextlib import suppress


class Relay(ABC):
    """Listens on a port of the loopback; each connection is served by a thread of its own."""

    def __init__(self, to_port: int) -> None:
        """Listen at once, in front of the server on that port of the loopback."""
        self._to = ("127.0.0.1", to_port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Take no more connections; those that are there end with their two ends."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join()

    @abstractmethod
    def _between(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on until one of them ends; OSError ends it too."""

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._to) as server:
            self._between(client, server)
