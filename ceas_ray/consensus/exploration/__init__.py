"""Searching for scenarios in which agreement fails: message level, abstract model, and the bridge between them.

A scenario is one integer: it draws everything, so a failure is replayed from that integer alone.
"""
