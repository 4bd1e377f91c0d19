"""Deciding what is an alert: the stream marks what may have changed, and whoever looks next decides by what is stored.

Nothing here scans the fleet. A sample that changes nothing costs look-ups in memory; one that may costs a mark, before
it is acknowledged. Marks and deadlines are looked at by any number of workers, and each decision is a compare-and-set.
"""
