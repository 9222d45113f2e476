"""Trains the network that reads lines of text, so that it reads burned-in text that is hard to see.

    python -m deid.training.reading --base rec.onnx --fonts DIR --out DIR --seconds 400 --workers 15

It learns by CTC what stands in made-up strips, and to say UNNAMED for each letter of a script that it has no names for;
on strips that are easily read, and on letters of scripts that it knows, it is held to what it answered before. What
tells one character from another, its last layer, stays as it is, but for UNNAMED. All of it, making the strips that it
is measured on and measuring included, takes the seconds that are given. Needs torch and onnx (requirements-train.txt).
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from deid.training.cutting import Batch, Strips
from deid.training.graph import Graph
from deid.values import UNNAMED

WARM_STEPS = 100
DECAY = 0.998
"""Of the running mean of the weights."""
OLD_SHARE = 0.5
"""So much of each weight stays as it was: what pictures drawn by a program do not teach."""
LAST_TIMES = 5.0
"""As many times as fast as the rest UNNAMED is learned."""
AFTERWARDS = 0.1
"""Share of the time in which UNNAMED alone is learned, by the mean of the two networks."""
MEASURING = 1.3
"""As many times as long as the first measuring the last one may take."""
LATEST = 25
"""Seconds after the given ones when all ends, whatever it is at."""
STALLED = 20.0
"""Seconds without a batch after which training ends."""


class Task:
    """The network as it was, the one that is trained, and what is asked of it."""

    def __init__(self, base: Path, device: str, kept: float) -> None:
        self.device, self._kept = device, kept
        self.before = Graph(base).to(device).requires_grad_(False)
        self.trained = Graph(base).to(device)
        self.trained.hold("BatchNormalization", 3, 4)
        self.characters = self.before.characters
        self.last = self.trained.hold_last(self.characters.index(UNNAMED))
        self._logits = self.before.before_last
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True

    def take(self, network: Graph) -> None:
        """Goes on with another network, of which UNNAMED alone is trained."""
        self.trained = network.requires_grad_(False)
        self.last = self.trained.hold_last(self.characters.index(UNNAMED))

    def logits(self, network: Graph, batch: Batch, only: Tensor | None = None) -> Tensor:
        """Before the softmax, shape (strips, columns, characters); of strips that are not `only`, none."""
        grey = torch.from_numpy(batch.grey).to(self.device, non_blocking=True).float()
        filled = torch.arange(grey.shape[2], device=self.device) >= self._moved(batch.lengths)[:, None]
        values = ((grey / 255 - 0.5) / 0.5).masked_fill(filled[:, None], 0)
        if only is not None:
            values = values[only]
        return network(values[:, None].expand(-1, 3, -1, -1).contiguous(), self._logits).float()

    def loss(self, batch: Batch) -> Tensor:
        """Summed over strips: CTC for the text's length, and what easy ones are read otherwise than before."""
        answers = functional.log_softmax(self.logits(self.trained, batch), 2)
        counts = self._moved(batch.counts)
        lengths = torch.full_like(counts, answers.shape[1])
        each = functional.ctc_loss(
            answers.transpose(0, 1), self._moved(batch.targets), lengths, counts, reduction="none", zero_infinity=True
        )
        loss = (each / (counts + 3) * self._moved(batch.told)).sum()
        if batch.easy.any():
            easy = self._moved(batch.easy)
            with torch.no_grad():
                known = functional.log_softmax(self.logits(self.before, batch, easy), 2)
            apart = functional.kl_div(answers[easy], known, reduction="none", log_target=True)
            loss = loss + self._kept * apart.sum(2).mean(1).sum()
        return loss

    def read(self, network: Graph, batch: Batch) -> list[str]:
        """The most likely texts."""
        with torch.no_grad():
            best = self.logits(network, batch).argmax(2).tolist()
        return [
            "".join(self.characters[two] for one, two in pairwise([0, *row]) if two not in (0, one)) for row in best
        ]

    def _moved(self, values: object) -> Tensor:
        return torch.as_tensor(values).to(self.device)


@dataclass(slots=True)
class _Count:
    strips: int = 0
    exact: int = 0
    characters: int = 0
    wrong: int = 0

    def add(self, text: str, read: str) -> None:
        self.strips += 1
        self.exact += text == read
        self.characters += len(text)
        self.wrong += distance(text, read)

    def shares(self) -> dict[str, float]:
        error = self.wrong / (self.characters or self.strips)
        return {"strips": self.strips, "exact": self.exact / self.strips, "character_errors": error}


def measured(task: Task, network: Graph, held: Sequence[Batch], until: float) -> dict[str, dict[str, float]]:
    """Of all strips and of those with each trait: the share read exactly, and errors a character.

    Where there is nothing to read, errors are characters made up in a strip. Strips without a known text are compared
    with what the network read before. Ends early at the time `until`.
    """
    counts: dict[str, _Count] = defaultdict(_Count)
    for batch in held:
        if time.monotonic() > until:
            break
        told = [
            "".join(task.characters[each] for each in row[:count])
            for row, count in zip(batch.targets, batch.counts, strict=True)
        ]
        if not batch.told.all():
            before = task.read(task.before, batch)
            told = [text if known else old for text, known, old in zip(told, batch.told, before, strict=True)]
        for text, read, known, traits in zip(told, task.read(network, batch), batch.told, batch.traits, strict=True):
            if known and text:
                counts["all"].add(text, read)
                counts["all, spaces apart"].add(text.replace(" ", ""), read.replace(" ", ""))
            for trait in (*traits, "/".join(traits[:2])) if known else ("kept", "/".join(traits)):
                counts[trait].add(text, read)
    return {name: count.shares() for name, count in sorted(counts.items())}


def distance(one: str, two: str) -> int:
    """Insertions, deletions and changes of a character that make one text of another."""
    row = list(range(len(two) + 1))
    for number, first in enumerate(one, 1):
        before, row[0] = row[0], number
        for at, second in enumerate(two, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (first != second))
    return row[-1]


def _stream(strips: Strips, workers: int) -> Iterator[Batch]:
    """Batches as they come; the end where a worker fails for good or none arrives."""
    loader = DataLoader(
        strips,
        batch_size=None,
        num_workers=workers,
        collate_fn=_as_it_is,
        prefetch_factor=4 if workers else None,
        timeout=STALLED if workers else 0,
    )
    try:
        yield from loader
    except RuntimeError as exc:
        print(f"the stream of strips ended: {exc}", flush=True)


def _as_it_is(batch: Batch) -> Batch:
    return batch


def _set_apart(stream: Iterator[Batch], workers: int) -> list[Batch]:
    """The batches to measure on: those at the beginning, until each worker has begun with others."""
    held: list[Batch] = []
    others = 0
    for batch in stream:
        if batch.held:
            held.append(batch)
        else:
            others += 1
        if others >= 3 * max(workers, 1):
            break
    return held


@dataclass(slots=True)
class _Trained:
    network: Graph
    """With the running mean of the weights."""
    losses: list[tuple[float, int, float]]
    """Seconds, steps, mean loss of a strip since the one before."""
    strips: int = 0
    steps: int = 0


def train(task: Task, stream: Iterator[Batch], rate: float, strips: int, until: float) -> _Trained:
    """Steps of at least so many strips until a time of `time.monotonic`, or until the stream ends."""
    done = _Trained(copy.deepcopy(task.trained), [])
    parameters = [each for each in task.trained.parameters() if each.requires_grad]
    means = [each for each in done.network.parameters() if each.requires_grad]
    last = {id(each) for each in task.last}
    groups = [
        {"params": [each for each in parameters if id(each) not in last], "times": 1.0},
        {"params": [each for each in parameters if id(each) in last], "times": LAST_TIMES},
    ]
    optimiser = torch.optim.AdamW([each for each in groups if each["params"]], rate, weight_decay=0.0)
    start = told = time.monotonic()
    recent, seen, waited = torch.zeros((), device=task.device), 0, 0.0
    while (share := (time.monotonic() - start) / max(until - start, 1)) < 1:
        for group in optimiser.param_groups:
            warm = min((done.steps + 1) / WARM_STEPS, 1)
            group["lr"] = rate * group["times"] * warm * (0.5 + 0.5 * math.cos(math.pi * share))
        optimiser.zero_grad(set_to_none=True)
        count = 0
        while count < strips and time.monotonic() < until:
            asked = time.monotonic()
            batch = next(stream, None)
            waited += time.monotonic() - asked
            if batch is None:
                until = 0.0
                break
            loss = task.loss(batch)
            (loss / strips).backward()
            recent += loss.detach()
            count += len(batch.grey)
        if not count:
            break
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(parameters, 1.0)):
            optimiser.step()
        done.steps += 1
        seen += count
        with torch.no_grad():
            torch._foreach_lerp_(means, parameters, 1 - min(DECAY, done.steps / (done.steps + 20)))
        if time.monotonic() - told > 10:
            done.strips += seen
            done.losses.append((round(time.monotonic() - start, 1), done.steps, float(recent) / seen))
            passed = time.monotonic() - told
            print(
                f"{done.losses[-1][0]:.0f} s, step {done.steps}, loss {done.losses[-1][2]:.4f}, "
                f"{seen / passed:.0f} strips a second, {waited / passed:.0%} waiting for them",
                flush=True,
            )
            told, seen, waited = time.monotonic(), 0, 0.0
            recent.zero_()
    return done


def main() -> None:
    """Trains for so many seconds, and measures both networks on strips of pictures that are kept apart."""
    asked = argparse.ArgumentParser()
    for name, kind in (("--base", Path), ("--fonts", Path), ("--out", Path), ("--seconds", float)):
        asked.add_argument(name, type=kind, required=True)
    asked.add_argument("--workers", type=int, default=7)
    asked.add_argument("--device", default="cuda")
    asked.add_argument("--strips", type=int, default=192, help="of a step, at least")
    asked.add_argument("--pixels", type=int, default=40_000, help="of all strips of a batch, end to end")
    asked.add_argument("--rate", type=float, default=1.5e-4)
    asked.add_argument("--kept", type=float, default=0.3, help="weight of answering as before where that was easy")
    asked.add_argument("--held", type=int, default=2000, help="strips to measure on")
    asked.add_argument("--seed", type=int, default=1)
    args = asked.parse_args()
    began = time.monotonic()
    signal.alarm(round(args.seconds) + LATEST)
    args.out.mkdir(parents=True, exist_ok=True)
    # Before the device is opened: workers are forked.
    strips = Strips(args.fonts, Graph(args.base).characters, args.seed, held=args.held, pixels=args.pixels)
    stream = _stream(strips, args.workers)
    held = _set_apart(stream, args.workers)
    print(f"{sum(len(each.grey) for each in held)} strips set apart, {time.monotonic() - began:.0f} s", flush=True)
    task = Task(args.base, args.device, args.kept)
    end = began + args.seconds
    measuring = time.monotonic()
    before = measured(task, task.before, held, measuring + args.seconds / 5)
    measuring = time.monotonic() - measuring
    print("before", before.get("all"), before.get("no text"), f"{measuring:.0f} s", flush=True)
    end_of_all = end - MEASURING * measuring - 3
    done = train(task, stream, args.rate, args.strips, end_of_all - AFTERWARDS * args.seconds)
    done.network.save(args.out / "rec-alone.onnx")
    done.network.blend(task.before, OLD_SHARE)
    task.take(done.network)
    named = train(task, stream, args.rate, args.strips, end_of_all)
    named.network.save(args.out / "rec.onnx")
    after = measured(task, named.network, held, end + 5)
    print("after", after.get("all"), after.get("no text"), f"{time.monotonic() - began:.0f} s", flush=True)
    facts = {
        "asked": {name: str(value) for name, value in vars(args).items()},
        "steps": done.steps,
        "strips": done.strips,
        "losses": done.losses + named.losses,
        "before": before,
        "after": after,
    }
    (args.out / "rec.json").write_text(json.dumps(facts, indent=1) + "\n")
    for name, each in after.items():
        if name in before:
            old, new = (f"{one['exact']:.3f} {one['character_errors']:.3f}" for one in (before[name], each))
            print(f"{name:32} {each['strips']:6} exact, errors: {old} -> {new}", flush=True)


if __name__ == "__main__":
    main()
