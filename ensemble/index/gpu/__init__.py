"""Exact search on the GPU: filters, business scores and the scan as kernels in the Triton language.

The way of a batch::

    opening     an index is copied to the GPU, its kernels compiled, its tiles tuned     device, tuning, choices
    engine      a search: parts that fit, in one turn of the index's stream              asked, asking, stream, pinned
    terms       what requests say, on the device                                         compiler, program, filters,
                                                                                         columns, places, pool, recent
    rounds      scan, choose bins, score them exactly, prove                             batch, scan, rescoring, bound
    found       hits, on the way back

``rows`` holds the rows, ``quantizing`` those of 8 bits; ``kernels`` what runs on the device. ``errors`` and
``releasing`` are for when it fails. ``compiling`` and ``resources`` look at the kernels without a GPU. Why it is so:
docs/decisions/0013-an-exact-scan-on-the-gpu.md.
"""
