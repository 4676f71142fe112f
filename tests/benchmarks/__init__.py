"""Measures pytest-reqcache beside other tools: ``python -m tests.benchmarks --help``, or ``tox -e bench``.

Each subject runs in processes and in an environment of its own. The rounds of all subjects are
interleaved, so that noise hits all alike, and what is compared was measured in the same round.
"""
