"""Telling the whole fleet again, as events with the present states, for copies that lost it."""
