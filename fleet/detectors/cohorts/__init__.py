"""Cohorts: things that should behave alike, each compared with its like.

A series that has always been bad is usual to every detector that compares it with its own past. Its like tell.
False discoveries are held here, not false findings a day: a q value is the share of such findings, among those that
are at least as strong, that is to be expected to be chance.
"""
