"""The auditor: a program of its own that judges what went out by the network's log and the plan, and by nothing else.

It is written with the standard library alone and imports no part of persona, so that an error of the sender cannot
hide in the auditor as well.
"""
