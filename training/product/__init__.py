"""The product tower and the complement head: counted from events, trained on a CPU in minutes, on a GPU by options.

One encoder for all recommendation tasks, as in "Suggest, Complement, Inspire" (RecSys 2025, arXiv:2508.03702).
"""
