"""A virtual machine under QEMU: its console, its monitor and its memory, bounded in time."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import io
import re
import tarfile
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from qemu.qmp import QMPClient

_FILES = re.compile(r"^--- files ([0-9a-f]{64})\s*$(.*?)^--- end\s*$", re.MULTILINE | re.DOTALL)
_FAILED = re.compile(r"^--- kexec failed", re.MULTILINE)
_MARK = b"--- "
_LONGEST_MARK = 80
"""Bytes of a line that begins with a mark."""
_TAIL = 60
"""Lines of the console that an error shows; all of it stands in ``console.log``."""
_ANSWER = 60.0
"""Seconds within which QEMU itself has to react, however slow its guest is."""
_TIED = ("setpriv", "--pdeathsig", "KILL")
"""Ends QEMU with the process that started it, even where that one is killed."""


class BootError(Exception):
    """A boot that did not end as it should: what was waited for, and the end of the console."""


class Machine:
    """A running QEMU; leaving the context ends it, whatever state it is in."""

    def __init__(self, command: Sequence[str], folder: Path, *, seconds: float) -> None:
        self._command = command
        self._folder = folder
        self._seconds = seconds
        self._console = bytearray()
        self._read = 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            try:
                async with asyncio.timeout(_ANSWER):
                    await self._start()
            except TimeoutError:
                raise BootError(self._told("QEMU did not start")) from None
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        console, monitor = self._folder / "console.sock", self._folder / "monitor.sock"
        command = [
            *_TIED,
            *self._command,
            *("-chardev", f"socket,id=console,path={console},server=on,wait=off"),
            *("-serial", "chardev:console"),
            *("-qmp", f"unix:{monitor},server=on,wait=off", "-S"),
        ]
        errors = self._stack.enter_context((self._folder / "qemu.log").open("wb"))
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=errors, stderr=errors
        )
        self._stack.push_async_callback(self._end)
        while not (console.exists() and monitor.exists()):
            if self._process.returncode is not None:
                raise BootError(self._told(f"QEMU ended with status {self._process.returncode}"))
            await asyncio.sleep(0.05)
        self._reader, self._writer = await asyncio.open_unix_connection(str(console))
        self._stack.callback(self._writer.close)
        self._monitor = QMPClient("efipolicy")
        await self._monitor.connect(str(monitor))
        self._stack.push_async_callback(self._disconnect)
        await self._monitor.execute("cont")

    async def _disconnect(self) -> None:
        # A guest that switched itself off took QEMU along; one that hangs is killed next.
        with suppress(EOFError, OSError):
            async with asyncio.timeout(_ANSWER):
                await self._monitor.disconnect()

    async def _end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        (self._folder / "console.log").write_bytes(self._console)

    async def files(self) -> dict[str, bytes]:
        """What PID 1 of the guest shows next: the contents of its files by their names."""
        match = await self._wait_for(_FILES, "the guest's files")
        try:
            packed = base64.b64decode("".join(match[2].split()))
        except binascii.Error:
            packed = b""
        if hashlib.sha256(packed).hexdigest() != match[1]:
            raise BootError(self._told("the guest's files were damaged on the console"))
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            found = {}
            for member in archive.getmembers():
                content = archive.extractfile(member)
                if content is not None:
                    found[Path(member.name).name] = content.read()
        return found

    async def say(self, line: str) -> None:
        """Write a line to the guest's console."""
        self._writer.write(line.encode() + b"\n")
        await self._writer.drain()

    async def powered_off(self) -> None:
        """Wait until the guest has switched itself off."""
        try:
            async with asyncio.timeout(self._seconds):
                while chunk := await self._reader.read(1 << 16):
                    self._console += chunk
                await self._process.wait()
        except TimeoutError:
            raise BootError(self._told("the guest did not power off")) from None

    async def monitor(self, command: str, **arguments: Any) -> Any:
        """What QEMU's monitor answers."""
        try:
            async with asyncio.timeout(_ANSWER):
                return await self._monitor.execute(command, arguments or None)
        except TimeoutError:
            raise BootError(self._told(f"the monitor did not answer {command}")) from None

    async def physical(self, address: int, size: int) -> bytes:
        """``size`` bytes of guest memory at a physical address."""
        return await self._saved("pmemsave", val=address, size=size)

    async def virtual(self, address: int, size: int) -> bytes:
        """``size`` bytes at a virtual address, as the first processor translates it now."""
        signed = address - (address >> 63 << 64)  # as QMP takes integers
        return await self._saved("memsave", val=signed, size=size)

    async def _saved(self, command: str, **arguments: Any) -> bytes:
        path = self._folder / "memory"
        await self.monitor(command, filename=str(path), **arguments)
        return path.read_bytes()

    async def _wait_for(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        try:
            async with asyncio.timeout(self._seconds):
                while chunk := await self._reader.read(1 << 16):
                    self._console += chunk
                    if _MARK not in self._console[-len(chunk) - _LONGEST_MARK :]:
                        continue  # a console comes in pieces of a few bytes
                    text = self._console[self._read :].decode("utf-8", "replace")
                    if match := pattern.search(text.replace("\r\n", "\n")):
                        self._read = len(self._console)
                        return match
                    if _FAILED.search(text):
                        raise BootError(self._told(f"kexec failed before the guest showed {what}"))
                raise BootError(self._told(f"the guest ended before it showed {what}"))
        except TimeoutError:
            told = f"waited {self._seconds:g} seconds for {what}"
            raise BootError(self._told(told)) from None

    def _told(self, what: str) -> str:
        text = self._console.decode("utf-8", "replace").replace("\r\n", "\n")
        console = _FILES.sub("--- files\n", text).splitlines()
        errors = (self._folder / "qemu.log").read_text(errors="replace").strip()
        tail = "\n".join(console[-_TAIL:])
        return f"{what}; the console, {len(console)} lines, ends with:\n{tail}\n{errors}"
