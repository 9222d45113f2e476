"""The files of a multipart body, in memory alone: the usual parsers put large ones into temporary files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fastapi import HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header


@dataclass(slots=True)
class _Part:
    """One part while it comes in."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it was sent; its name may be PHI."""

    name: str
    data: bytes

    def __repr__(self) -> str:
        return f"Sent({len(self.data)} bytes)"


async def one_file(request: Request) -> bytes:
    """The content of the only file of the request.

    Raises
    ------
    HTTPException
        Where there is none or more than one.
    """
    files = await sent_files(request, most=1)
    return files[0].data


async def sent_files(request: Request, *, most: int) -> tuple[Sent, ...]:
    """All files of the request, one or more.

    Raises
    ------
    HTTPException
        Where there is none or more than `most`, or the body is not multipart/form-data.
    """
    files = await _Reader(request, most).read(request.stream())
    if not files:
        raise HTTPException(422, "There is no file in the request.")
    return files


class _Reader:
    def __init__(self, request: Request, most: int) -> None:
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise HTTPException(422, "Send the file as multipart/form-data.")
        self._most = most
        self._files: list[Sent] = []
        self._part = _Part()
        self._name = self._value = b""
        calls = {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
        }
        try:
            self._parser = MultipartParser(boundary, calls)  # type: ignore[arg-type]
        except FormParserError as exc:
            raise HTTPException(422, "The boundary of the multipart body cannot be used.") from exc

    async def read(self, stream: AsyncIterator[bytes]) -> tuple[Sent, ...]:
        """The files, once all has come in."""
        try:
            async for chunk in stream:
                self._parser.write(chunk)
            self._parser.finalize()
        except FormParserError as exc:
            raise HTTPException(422, "The multipart body is damaged or cut short.") from exc
        return tuple(self._files)

    def _begin(self) -> None:
        self._part = _Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._part.headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._part.pieces.append(data[start:end])

    def _end(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition", b""))
        name = options.get(b"filename")
        if name is None:
            return  # a field, not a file
        if len(self._files) >= self._most:
            raise HTTPException(422, f"There are more files in the request than {self._most:,}.")
        self._files.append(Sent(name.decode("utf-8", "replace"), b"".join(self._part.pieces)))
        self._part = _Part()
