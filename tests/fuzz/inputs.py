"""Inputs made of a corpus: the seeds themselves, seeds with edits, and bytes out of nothing."""

from __future__ import annotations

from random import Random

TRICKS = (
    *(
        b"&a ",
        b"*a",
        b"<<: *a",
        b"!!python/object:os.system ",
        b"!x ",
        b"? ",
        b"- ",
        b"-",
        b": ",
        b"|",
        b">-",
    ),
    *(
        b'"',
        b"'",
        b"\\",
        b"[",
        b"{",
        b"]",
        b"}",
        b"#",
        b"---\n",
        b"...\n",
        b"%YAML 9.9\n",
        b"\t",
        b"\r",
        b"\r\n",
    ),
    *(b"\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xc2\x85", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"../", b"C:\\"),
    *(
        b"null",
        b"~",
        b"1e999",
        b"-1",
        b"9" * 30,
        b"9" * 5000,
        b"=",
        b"&",
        b"?",
        b"token=",
        b"@",
        b"://",
        b"%",
    ),
    *(b"[" * 2000, b'{"a":' * 2000, b'\\"' * 2000, b"a: " * 50, b"<a>" * 500, b"sk-" * 500, b" " * 2000),
)


def made(seeds: list[bytes], random: Random) -> bytes:
    """One input."""
    if random.random() < 0.05:
        return random.randbytes(random.randrange(200))
    data = random.choice(seeds)
    for _ in range(random.choice((0, 1, 1, 2, 3, 8))):
        data = _edited(data, random)
    return data


def _edited(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    how = random.randrange(6)
    if how == 0:  # one byte becomes another
        return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
    if how == 1:  # a piece goes
        return data[:at] + data[at + random.randrange(1, 30) :]
    if how == 2:  # a trick is put in
        return data[:at] + random.choice(TRICKS) + data[at:]
    if how == 3:  # it breaks off
        return data[:at]
    lines = data.split(b"\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    if how == 4:  # two lines change places
        lines[one], lines[other] = lines[other], lines[one]
    else:  # a line stands twice, or at another place
        lines.insert(other, lines[one])
    return b"\n".join(lines)
