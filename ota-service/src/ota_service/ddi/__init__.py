"""The hawkBit Direct Device Integration: update clients that exist already, on the same update sessions.

Never decides what becomes of an update: it translates between the protocol's words and the sessions' verbs.
"""
