"""The keeper: what a living index needs in the background, in a process of its own beside the server.

It writes snapshots of the index, so that a restart has little to replay and a compacted index to begin with, and it has
the server embed products that came without vectors. Searches do not need it: when it is away, a restart takes longer
and such products wait.
"""
