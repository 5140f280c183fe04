"""ARM64-009."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, FirmwareEnvironment, Good, NotJudged, Severity, rule

_GRANULE = 0x1000
_SET = ("M", "C", "SA", "I")
_CLEAR = ("A", "EE")
_RIGHT = "granule: 4K, translation_tables: [TTBR0], top_byte_ignored: false, sctlr: [M, C, SA, I]"


def _environment(words: str) -> str:
    return f"platform: {{firmware: {{environment: {{{words}}}}}}}"


@rule(
    "arm64/nonconforming-boot-environment",
    severity=Severity.WARNING,
    requirements=("ARM64-009",),
    sources=("UEFI 2.10 §2.3.6", "UEFI 2.11 §2.3.6"),
    help="run boot services with a granule of 4 KiB in TTBR0, and SCTLR as UEFI wants it",
    architectures=("arm64",),
    examples=(
        Bad(sections=_environment(_RIGHT.replace("4K", "64K")), at=0),
        Bad(sections=_environment(_RIGHT.replace("[TTBR0]", "[TTBR0, TTBR1]")), at=0),
        Bad(sections=_environment(_RIGHT.replace("false", "true")), at=0),
        Bad(sections=_environment(_RIGHT.replace("SA, I", "A, EE")), at=0),
        Good(sections=_environment(_RIGHT)),
    ),
)
def nonconforming_boot_environment(
    environment: FirmwareEnvironment,
) -> Iterator[Finding | NotJudged]:
    """Boot services run under another translation or processor state than UEFI promises.

    UEFI images for AArch64 are built for one environment: translation on, through TTBR0 alone, with
    a granule of 4 KiB and without ignoring the top byte of addresses; caches on, the stack pointer
    checked, unaligned access allowed, little-endian (SCTLR has M, C, I and SA set, A and EE clear).

    A boot loader may rely on each of these. Compilers emit unaligned accesses, which fault with A
    set; a loader that changes the mapping of a page edits tables of 4 KiB entries, and would find
    others with a granule of 64 KiB. Linux enters its kernel with this translation in force, and
    takes the slow way through main memory when it finds the caches off.
    """
    yield from _granule(environment)
    yield from _tables(environment)
    yield from _top_byte(environment)
    yield from _sctlr(environment)


def _granule(environment: FirmwareEnvironment) -> Iterator[Finding | NotJudged]:
    granule = environment.granule
    if granule is None:
        yield _absent("granule")
    elif granule != _GRANULE:
        yield Finding(
            environment,
            f"boot services run with a translation granule of {granule >> 10} KiB, not 4 KiB",
            field="granule",
        )


def _tables(environment: FirmwareEnvironment) -> Iterator[Finding | NotJudged]:
    tables = environment.translation_tables
    if tables is None:
        yield _absent("translation_tables")
    elif set(tables) != {"TTBR0"}:
        used = " and ".join(tables) or "no table register"
        yield Finding(
            environment,
            f"boot services translate through {used}, not TTBR0 alone",
            field="translation_tables",
        )


def _top_byte(environment: FirmwareEnvironment) -> Iterator[Finding | NotJudged]:
    if environment.top_byte_ignored is None:
        yield _absent("top_byte_ignored")
    elif environment.top_byte_ignored:
        yield Finding(
            environment,
            "boot services run with the top byte of addresses ignored",
            field="top_byte_ignored",
        )


def _sctlr(environment: FirmwareEnvironment) -> Iterator[Finding | NotJudged]:
    bits = environment.sctlr
    if bits is None:
        yield _absent("sctlr")
        return
    missing = [f"{bit} clear" for bit in _SET if bit not in bits]
    wrong = missing + [f"{bit} set" for bit in _CLEAR if bit in bits]
    if wrong:
        yield Finding(
            environment,
            f"boot services run with SCTLR having {', '.join(wrong)}; "
            "UEFI wants M, C, I, SA set and A, EE clear",
            field="sctlr",
        )


def _absent(field: str) -> NotJudged:
    return NotJudged(f"platform.firmware.environment.{field}")
