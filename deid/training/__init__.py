"""How the bundled adapter was made, runnable again: made-up text, training, export, evaluation.

Nothing here is needed to de-identify. Training needs requirements-train.txt; making text needs only Faker of it.
"""
