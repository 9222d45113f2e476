"""Random samples of clean files before people: what is drawn, what each looks like, and what a leak sets off.

Sampled are runs of the pages, whose originals and clean files both lie here. What somebody sees a leak in is no clean
file any more: its output is taken away, and it waits for review as it came.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from deid.errors import UsageError
from deid.ledger import Ledger
from deid.load import load
from deid.review import Suggested
from deid.runfiles import Entry, RunFiles, kept_runs
from deid.sampling import CONFIDENCE, Sample, drawn, sentence, size_for
from deid.settings import Settings
from deid.store import Actor, Decision, Draw, Run, Sampled, Store, Subject, User
from deid.values import Outcome
from deid.waiting import Note, alike, hold
from deid.workbench import CLAIM_SECONDS, decides_about

SHARES = (0.01, 0.02, 0.05, 0.1)
"""What may be asked for: less than this share of the clean files leaks."""
LEAK = "A person who looked at a sample of the clean files saw something in this one that identifies."


@dataclass(frozen=True, slots=True)
class Picked:
    """A file of a sample that nobody has looked at."""

    run_id: int
    image_id: int
    entry: Entry

    @property
    def key(self) -> str:
        """What it is called in the page's address."""
        return f"{self.run_id}/{self.image_id}"


def says(sampled: Sampled) -> str:
    """What a sample says, in words; before all of it was looked at that is no bound."""
    if sampled.looked < sampled.size:
        leaks = f", {sampled.leaks:,} with a leak" if sampled.leaks else ""
        return f"{sampled.looked:,} of {sampled.size:,} looked at{leaks}"
    sample = Sample(sampled.draw.population, sampled.size, sampled.leaks)
    return sentence(sample, sampled.draw.confidence)


class Quality:
    """The samples of this installation."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store

    def runs(self, user: User) -> tuple[Run, ...]:
        """Runs of which this user may draw or look at a sample, newest first."""
        found = []
        for run_id in reversed(kept_runs(self._settings.home)):
            run = self._store.run(run_id)
            if run is None or run.state.goes_on or not self._files(run_id).were_handed_in:
                continue
            if decides_about(user, run) and (run.count(Outcome.CLEANED) or self._store.sample(run_id)):
                found.append(run)
        return tuple(found)

    def size(self, run_id: int, share: float) -> tuple[int, int]:
        """(files to look at, clean files) to show that less than this share of a run's clean files leaks."""
        population = len(self._store.clean_images(run_id))
        return size_for(population, share), population

    def draw(self, by: Actor, run: Run, share: float) -> None:
        """Draw the one sample of a run, at random.

        Raises
        ------
        UsageError
            Where it has one already, or has no clean file.
        """
        images = self._store.clean_images(run.id)
        if not images or share not in SHARES:
            raise UsageError("There is nothing to draw from.")
        draw = Draw(len(images), share, CONFIDENCE, secrets.randbits(31))
        chosen = drawn(images, size_for(len(images), share), draw.seed)
        self._store.keep_sample(by, run.id, draw, chosen)

    def next(self, user: User, run: Run) -> Picked | None:
        """The first file of the run's sample that nobody has looked at or looks at now; it is this user's then."""
        sampled = self._store.sample(run.id)
        entries = {self._store.name_hash(str(each.source)): each for each in self._files(run.id).entries()}
        for image_id, decision in sampled.said if sampled else ():
            entry = entries.get(self._store.image_name(run.id, image_id))
            if decision is not None or entry is None or not entry.published:
                continue
            if self._store.claim(image_id, user.username, CLAIM_SECONDS) == user.username:
                return Picked(run.id, image_id, entry)
        return None

    def clean(self, picked: Picked) -> bytes:
        """The file as it came out.

        Raises
        ------
        OSError
            Where it is gone.
        """
        return self._files(picked.run_id).clean(picked.entry)

    def pass_over(self, by: Actor, picked: Picked) -> None:
        """Nothing is to be seen in it that identifies.

        Raises
        ------
        UsageError
            Where somebody else looks at it now, or has looked.
        """
        self._store.say(by, Subject(picked.run_id, picked.image_id), Decision.APPROVED)

    def leak(self, by: Actor, picked: Picked) -> None:
        """Something identifies: the clean file is taken away, and waits for review as it came.

        Raises
        ------
        UsageError
            Where somebody else looks at it now, or has looked.
        OSError
            Where its files cannot be read or written; then nothing was said.
        """
        files, entry = self._files(picked.run_id), picked.entry
        options = Ledger(self._store, self._settings, picked.run_id).batch().options
        original = files.original(entry.source)
        dataset = load(original, max_frames=options.max_frames, max_pixels_per_frame=options.max_pixels_per_frame)
        series, device = alike(dataset)
        suggested = Suggested(entry.boxes)
        note = Note(
            entry.source, entry.place, LEAK, entry.frames, suggested, options, series, device, cautions=entry.cautions
        )

        def carry_out() -> None:
            files.withdraw(entry, LEAK)
            hold(self._settings.home, picked.run_id, note, original)

        self._store.say(by, Subject(picked.run_id, picked.image_id), Decision.REJECTED, LEAK, carry_out)

    def _files(self, run_id: int) -> RunFiles:
        return RunFiles(self._settings.home, run_id)
