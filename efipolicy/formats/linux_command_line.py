"""The parameters a kernel was booted with, those of them that change how it treats firmware.

Every architecture prints its command line; x86 does so twice. Names of hosts, disks, networks and
keys stand there too, so only parameters of a list are kept.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText, continuation
from efipolicy.named_tuple import NamedTuple

_LABEL: Final = "ommand line: "
_LABEL_WORD: Final = "Kernel c"
_HYPERVISOR: Final = "(XEN)"

_NUMBER: Final = r"(?:0[xX][0-9a-fA-F]{1,24}|\d{1,24})[kKmMgGtTpPeE]?"
_REBOOT: Final = (
    r"(?:panic_)?(?:warm|cold|hard|soft|gpio|bios|triple|kbd|acpi|efi|pci|force|default"
    r"|[wchsgbtkaepfd]|s(?:mp)?\d{1,4})"
)
_KEPT: Final = (
    r"(?:noefi|nokaslr|kaslr|add_efi_memmap|virtefi|uefi_debug|no4lvl|no5lvl|nogbpages|"
    r"arm64\.nolva|no_hash_pointers|mem_encrypt=(?:on|off|active)|noexec=(?:on|off)|"
    r"(?:acpi_rsdp|elfcorehdr)=[0-9a-fA-F]{1,24}|mem=nopentium|memmap=exactmap|"
    r"crashkernel=auto|"
    rf"(?:mem|memmap|crashkernel|elfcorehdr|acpi_rsdp|efi_fake_mem)={_NUMBER}"
    rf"(?:[-,:@#$!%+]{{1,2}}(?:{_NUMBER}|high\b|low\b|cma\b|exactmap\b))*-?|"
    rf"reboot={_REBOOT}(?:,{_REBOOT})*)"
)
"""Parameters by which Linux maps firmware, edits its map, or follows another kernel by kexec.

``virtefi`` and ``uefi_debug`` are of kernels of the past. Values that could be anybody's words are
not kept: of ``efi=`` the words that Linux knows, of ranges numbers and what stands between them.
"""

_EFI: Final = "efi="
_EFI_WORDS: Final = {
    "attr=uc",
    "debug",
    "disable_early_pci_dma",
    "no_disable_early_pci_dma",
    "nochunk",
    "noruntime",
    "nosoftreserve",
    "novamap",
    "old_map",
    "runtime",
}
"""What ``efi=`` can say; by these words one that was wrapped in its middle is put together."""

_WORD: Final = re.compile(r'(?:[^\s"]|"[^"\n]{0,4096}"|")+')
_CUT: Final = 960
"""Characters; a line of a log holds about a thousand: of a longer one the last word may be cut."""

_MOST_LINES: Final = 8
"""Lines to which a mail may have wrapped a command line."""


class CommandLine(NamedTuple):
    """A command line: where it stands, and the parameters kept, each with its place."""

    start: int
    end: int
    parameters: tuple[tuple[str, tuple[int, int]], ...]

    @property
    def label(self) -> tuple[int, int]:
        """Where the words ``Command line`` stand."""
        return self.start, self.start + len(_LABEL)

    @property
    def words(self) -> tuple[str, ...]:
        """The parameters as they were given, quotes left out."""
        return tuple(word for word, _ in self.parameters)

    def place_of(self, name: str) -> tuple[int, int] | None:
        """Where the first parameter of a name stands."""
        return next((at for word, at in self.parameters if word.partition("=")[0] == name), None)

    def place_of_efi(self, word: str) -> tuple[int, int] | None:
        """Where the first ``efi=`` stands that says a word: ``efi=debug,novamap``."""
        return next((at for one, at in self.parameters if word in _efi_words(one)), None)


class _Word(NamedTuple):
    """A word of a command line and its place."""

    text: str
    start: int
    end: int


def command_line(text: CaptureText, boot: Boot) -> CommandLine | None:
    """The command line of one boot, as it was printed first."""
    high = boot.early_end
    at = text.text.find(_LABEL, boot.start, high)
    while at >= 0 and not _is_of_kernel(text, at):
        at = text.text.find(_LABEL, at + len(_LABEL), high)
    if at < 0:
        return None
    parameters = []
    end = at + len(_LABEL)
    for word in _words(text, end):
        if word.text == "--":
            break  # the rest is for the first process
        end = word.end
        kept = _kept(word.text)
        if kept:
            parameters.append((kept, (word.start, word.end)))
    return CommandLine(at - 1, end, tuple(parameters))


def _kept(word: str) -> str | None:
    """A parameter as far as it is kept: of ``efi=debug,other`` the words that Linux knows."""
    known = [one for one in _efi_words(word) if one in _EFI_WORDS]
    if known:
        return _EFI + ",".join(known)
    return word if re.fullmatch(_KEPT, word) else None


def _is_of_kernel(text: CaptureText, at: int) -> bool:
    """Whether a kernel printed the label, and not Xen or a person."""
    before = text.text[text.line_start(at) : at]
    label = before[-len(_LABEL_WORD) :]
    before = before.removesuffix(_LABEL_WORD) if label == _LABEL_WORD else before[:-1]
    ends_well = not before.rstrip()[-1:].isalnum()
    return label[-1:] in "Cc" and ends_well and _HYPERVISOR not in before and not text.is_remark(at)


def _words(text: CaptureText, start: int) -> list[_Word]:
    """The words behind the label and on the lines it was wrapped to."""
    words: list[_Word] = []
    first = text.line_start(start)
    at: int | None = start
    for _ in range(_MOST_LINES):
        if at is None:
            break
        end = text.line_end(at)
        found = [
            _Word(word[0].replace('"', "").replace("=3D", "="), *word.span())
            for word in _WORD.finditer(text.text, at, end)
        ]
        if end - first > _CUT:
            del found[-1:]
        if words and found:
            _unwrap(words, found)
        words += found
        at = _next_line(text, end)
        first = text.line_start(at) if at is not None else end
    return words


def _next_line(text: CaptureText, end: int) -> int | None:
    """Where a command line goes on behind the end of a line; an empty line ends it."""
    if text.text[end : end + 1] != "\n":
        return None
    at = continuation(text.text, end)
    return at if at is not None and text.text.find("\n", end + 1, at) < 0 else None


def _unwrap(words: list[_Word], found: list[_Word]) -> None:
    """Put together the last word of a line and the first of the next, where they are one.

    A line that ends in ``=`` is of quoted-printable and goes on in any case. Otherwise the line may
    have been wrapped between two words or within one, and a value of which nobody can tell whether
    it goes on is left out.
    """
    last, following = words[-1], found[0]
    both = _Word(last.text.removesuffix("=") + following.text, last.start, following.end)
    if last.text.endswith("=") or _is_whole(both.text):
        words[-1] = both
        del found[0]
    elif "=" in last.text and not _is_whole(last.text):
        del words[-1]


def _is_whole(word: str) -> bool:
    """Whether it is ``efi=`` with words that Linux knows."""
    parts = _efi_words(word)
    return bool(parts) and all(part in _EFI_WORDS for part in parts)


def _efi_words(word: str) -> list[str]:
    return word.removeprefix(_EFI).split(",") if word.startswith(_EFI) else []
