"""A small bookshop with an HTTP API, for the examples: the standard library, on loopback, in memory.

    GET    /books             all books, or those of ?author=NAME          ETag, Cache-Control
    POST   /books             add one                                      201, Location; needs the token
    GET    /books/1           one book                                     ETag, Last-Modified
    GET    /books/1/cover     its cover, a PNG image
    DELETE /books/1           remove it                                    204; needs the token
    GET    /latest            a redirect to the newest book
    GET    /orders/1          "packing", "packing", "shipped": for polling
    POST   /login             {"user": ..., "password": ...} -> a token and a session cookie
    GET    /me                who the token belongs to

Run it with `python server.py [PORT]`.
"""

import hashlib
import json
import secrets
import struct
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

OPENED = "Mon, 05 Jan 2026 09:00:00 GMT"


class Bookshop:
    """What the shop knows; each server has one of its own."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.books = {
            1: {"id": 1, "title": "Emma", "author": "Austen", "price": 9.5},
            2: {"id": 2, "title": "Middlemarch", "author": "Eliot", "price": 12.0},
            3: {"id": 3, "title": "Persuasion", "author": "Austen", "price": 8.0},
        }
        self.tokens: dict[str, str] = {}
        self.order_asked = 0


class Handler(BaseHTTPRequestHandler):
    shop: Bookshop

    def do_GET(self) -> None:
        with self.shop.lock:
            self.get()

    do_HEAD = do_GET

    def do_POST(self) -> None:
        with self.shop.lock:
            self.post()

    def do_DELETE(self) -> None:
        with self.shop.lock:
            self.delete()

    # --- what the shop answers

    def get(self) -> None:
        url = urlsplit(self.path)  # a proxy gets the whole URL here: its host does not matter to us
        match url.path.strip("/").split("/"):
            case ["books"]:
                authors = parse_qs(url.query).get("author")
                books = [b for b in self.shop.books.values() if not authors or b["author"] in authors]
                self.answer_json({"books": books}, {"Cache-Control": "max-age=60"})
            case ["books", number] if book := self.book(number):
                self.answer_json(book, {"Last-Modified": OPENED})
            case ["books", number, "cover"] if self.book(number):
                self.answer(200, png_image(int(number)), {"Content-Type": "image/png"})
            case ["latest"]:
                self.answer(302, b"", {"Location": f"/books/{max(self.shop.books)}"})
            case ["orders", "1"]:
                self.shop.order_asked += 1
                self.answer_json({"status": "shipped" if self.shop.order_asked % 3 == 0 else "packing"})
            case ["me"]:
                if user := self.authorised():
                    self.answer_json({"user": user})
            case _:
                self.not_found()

    def post(self) -> None:
        match urlsplit(self.path).path.strip("/").split("/"):
            case ["login"]:
                token = secrets.token_hex(16)
                user = str(self.read_json().get("user", "nobody"))
                self.shop.tokens[token] = user
                session = f"session={secrets.token_hex(8)}; Path=/; HttpOnly"
                self.answer_json({"user": user, "access_token": token}, {"Set-Cookie": session})
            case ["books"]:
                book = self.read_json()
                if self.authorised():
                    number = max(self.shop.books, default=0) + 1
                    self.shop.books[number] = {"id": number, **book}
                    self.answer_json(self.shop.books[number], {"Location": f"/books/{number}"}, status=201)
            case _:
                self.not_found()

    def delete(self) -> None:
        match urlsplit(self.path).path.strip("/").split("/"):
            case ["books", number] if self.book(number):
                if self.authorised():
                    del self.shop.books[int(number)]
                    self.answer(204, b"", {})
            case _:
                self.not_found()

    # --- helpers

    def book(self, number: str) -> dict[str, object] | None:
        return self.shop.books.get(int(number)) if number.isdecimal() else None

    def authorised(self) -> str | None:
        """The user that the token belongs to; without one, answers 401."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        user = self.shop.tokens.get(token)
        if user is None:
            self.answer_json({"error": "log in first"}, {"WWW-Authenticate": "Bearer"}, status=401)
        return user

    def not_found(self) -> None:
        self.answer_json({"error": "not found"}, status=404)

    def read_json(self) -> dict[str, object]:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")

    def answer_json(
        self, content: object, headers: dict[str, str] | None = None, *, status: int = 200
    ) -> None:
        body = json.dumps(content).encode()
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        if status == 200 and self.command in ("GET", "HEAD"):
            all_headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
            if self.headers.get("If-None-Match") == all_headers["ETag"]:
                status, body = 304, b""
        self.answer(status, body, all_headers)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "bookshop"

    def log_message(self, *args: object) -> None:
        pass


def png_image(number: int) -> bytes:
    """A square of one colour, 32 by 32 pixels."""
    colour = bytes((number * 70 % 256, 90, 160))
    rows = (b"\0" + colour * 32) * 32

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@contextmanager
def running_server(port: int = 0) -> Iterator[str]:
    """A bookshop on loopback, on any free port unless one is given; its URL."""
    handler = type("BookshopHandler", (Handler,), {"shop": Bookshop()})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    with running_server(int(sys.argv[1]) if sys.argv[1:] else 8000) as url:
        print(f"The bookshop is open at {url}; Ctrl-C closes it.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()
