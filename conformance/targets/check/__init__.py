"""``conformance target check``: is a target wired right?"""
