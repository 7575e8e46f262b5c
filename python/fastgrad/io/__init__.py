"""Files: `save` and `load`, their format, and atomic writing.

Nothing is imported here, because graphs need `fastgrad.io.atomic` without the NumPy that `fastgrad.io.archive`
imports.
"""
