"""Telling the whole fleet again: each device's present state as an event, for copies that lost it."""
