"""Pictures of values: pure functions from a value to SVG, one file a kind of picture.

Nothing here reads a file, a clock or a font; the same value gives the same bytes.
"""
