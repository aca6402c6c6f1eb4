"""Search for scenarios in which agreement fails: on whole messages, in the abstract model, and on the bridge between
them.

A scenario is one integer, which draws everything, so a failure is replayed from that integer alone.
"""
