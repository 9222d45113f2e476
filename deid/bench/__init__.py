"""Measuring: made-up cases with truth, what the pipeline leaves of their words, and tables of it.

A truth folder holds, for every case NAME, the image NAME.dcm, its words in NAME.json and NAME.mask.png, in which the
pixels of word k have the value k + 1 (16 bits). `score` defines every figure; `making` writes such folders.
"""
