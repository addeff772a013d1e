"""The gate of a served release: what the server answers, held to exact retrieval in FP32.

The gate of a release judges each tower alone, in process. Here both towers, the index, the server and the client have
their part, as a shopper meets them.
"""
