"""A client of the bookshop's API: the code under test."""

import time

import requests


class Client:
    def __init__(self, url: str, session: requests.Session | None = None) -> None:
        self.url = url
        self.session = session or requests.Session()

    def login(self, user: str, password: str) -> None:
        credentials = {"user": user, "password": password}
        answer = self._asked("POST", "/login", json=credentials).json()
        self.session.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def user(self) -> str:
        return self._asked("GET", "/me").json()["user"]

    def titles(self, author: str | None = None) -> list[str]:
        books = self._asked("GET", "/books", params={"author": author}).json()["books"]
        return [book["title"] for book in books]

    def price(self, number: int) -> float:
        return self._asked("GET", f"/books/{number}").json()["price"]

    def latest(self) -> requests.Response:
        return self._asked("GET", "/latest")

    def cover(self, number: int) -> bytes:
        return self._asked("GET", f"/books/{number}/cover").content

    def add(self, title: str, author: str) -> int:
        return self._asked("POST", "/books", json={"title": title, "author": author}).json()["id"]

    def remove(self, number: int) -> None:
        self._asked("DELETE", f"/books/{number}")

    def wait_until_shipped(self, pause: float = 0.01) -> int:
        """How often it had to ask."""
        for attempt in range(1, 10):
            if self._asked("GET", "/orders/1").json()["status"] == "shipped":
                return attempt
            time.sleep(pause)
        raise TimeoutError("not shipped")

    def _asked(self, method: str, path: str, **options: object) -> requests.Response:
        response = self.session.request(method, self.url + path, **options)
        response.raise_for_status()
        return response
