"""The names under which the pages keep ids and choices in `st.session_state`; nothing else lies there."""

from __future__ import annotations

from typing import Final

SESSION: Final = "deid.session"
"""Hash of the id of the sign-in session; also the owner of what lies on the desk."""
TICKET: Final = "deid.ticket"
"""One-time ticket that the browser is about to exchange for the cookie."""
CASE: Final = "deid.case"
"""Id of the opened file on the desk."""
PILE: Final = "deid.pile"
"""Id of the files on the desk that were handed in together and have not been submitted."""
ITEM: Final = "deid.item"
"""Which file of the pile or run is open; None where it came alone."""
GLANCE: Final = "deid.glance"
"""Id on the desk of the run's file that is looked at, with the run and its number."""
BLUR: Final = "deid.blur"
"""True while originals are blurred and what was read in them is hidden."""
STEP: Final = "deid.step"
"""The step whose result is shown."""
PENDING: Final = "deid.pending"
"""Steps that are to run, one a script run, so that each shows as soon as it is done."""
UPLOADS: Final = "deid.uploads"
"""How many files were opened from the uploader: its widget's key changes, so that the bytes are let go."""
VISITED: Final = "deid.visited"
"""True once a page was shown to the signed-in user in this tab."""
