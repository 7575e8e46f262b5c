"""Files: `save` and `load`, the format that they write, and writing that leaves no half file behind.

Nothing is imported here: graphs need `fastgrad.io.atomic`, and not the NumPy that `fastgrad.io.archive` brings.
"""
