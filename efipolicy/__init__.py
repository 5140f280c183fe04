"""Lint UEFI memory maps and the policies by which operating systems map them."""

__version__ = "0.1.0"
