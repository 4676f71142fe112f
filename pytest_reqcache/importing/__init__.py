"""Cassettes of other tools, made into ours: ``python -m pytest_reqcache import``.

A reader (``vcrpy.py``) makes plain data of another tool's file (``foreign.py``); the converter makes of
those the interactions that a recording run would have written, secrets replaced; ``files.py`` finds the
files and puts the new ones in their places; ``command.py`` says what was done.
"""
