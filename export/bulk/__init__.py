"""Embeds a whole catalogue with the towers of a release, on as many machines as a Ray cluster has.

What comes out is a folder of Parquet shards (``folder``). A release takes its rows from it (``taking``), and so does
the database of a shop that is served (``depositing``).
"""
