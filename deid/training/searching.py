"""Trains the network that finds lines of text: it learns to see in hard pictures what it sees in the same text alone.

    python -m deid.training.searching --base det.onnx --fonts DIR --out DIR --seconds 400

The network as it was is the teacher: it is shown the ink by itself, dark on even grey, and what it answers there is
what the trained one shall answer in the picture. So lines keep their shape, their joints and the network's measure of
how sure it is. Needs torch and onnx (requirements-train.txt).
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from deid.bench.typefaces import typefaces
from deid.grounds import PADDING_PX, bordered, even_ground
from deid.training.graph import Graph
from deid.training.lettering import LEGIBLE, Lettered, LetteredLine, Lettering

SIDE = 640
"""Of what is cut out of the scaled pictures, pixels."""
EMPTY_SHARE, PLAIN_SHARE, SIDEWAYS_SHARE = 0.1, 0.3, 0.3
MOST_LINES = 62
KERNEL_HEIGHT = 0.17
"""How high a line's core is in heights of the line: DBNet shrinks by 0.42 of them from above and below."""
OLD_SHARE = 0.5
"""So much of each weight stays as it was: what pictures drawn by a program do not teach."""
SEEN = 0.5
"""A line that the teacher gives less than this, seen alone, is shown to the pupil as its core."""
MEAN, STD = 0.5, 0.5
_KERNEL, _IGNORED = 64, 128
_GREY = 128

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sample:
    """A part of a picture, SIDE by SIDE."""

    picture: Picture
    alone: Picture
    """The ink by itself."""
    marks: Picture
    """Number of the line in the low six bits, 0 for none; the line's core; what counts for nothing."""


def sample(lettering: Lettering, rng: np.random.Generator) -> Sample:
    """The next sample, in one of the views and at one of the sizes that are searched."""
    made = lettering.make(empty=rng.random() < EMPTY_SHARE)
    chance = rng.random()
    if chance < PLAIN_SHARE:
        picture, scale = made.grey, rng.uniform(0.8, 1.6)
    else:
        picture, scale = even_ground(made.grey), rng.uniform(1.3, 2.0) if rng.random() < 0.7 else rng.uniform(0.8, 1.4)
    alone = np.asarray(np.rint(_GREY - 127 * made.ink), np.uint8)
    alone = np.pad(alone, PADDING_PX, constant_values=_GREY)
    marks = _marks(made)
    marks = np.pad(marks, PADDING_PX)
    way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    scaled = [
        cv2.resize(bordered(picture), None, fx=scale, fy=scale, interpolation=way),
        cv2.resize(alone, None, fx=scale, fy=scale, interpolation=way),
        cv2.resize(marks, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST),
    ]
    rows, columns = scaled[0].shape
    top, left = int(rng.integers(max(rows - SIDE, 0) + 1)), int(rng.integers(max(columns - SIDE, 0) + 1))
    cut = []
    for each, fill in zip(scaled, (float(np.median(scaled[0])), _GREY, 0), strict=True):
        part = each[top : top + SIDE, left : left + SIDE]
        room = 0, SIDE - part.shape[0], 0, SIDE - part.shape[1]
        cut.append(np.asarray(cv2.copyMakeBorder(part, *room, cv2.BORDER_CONSTANT, value=fill), np.uint8))
    cut[2][rows:] = cut[2][:, columns:] = _IGNORED
    return Sample(*cut)


def _marks(made: Lettered) -> Picture:
    marks = np.zeros(made.grey.shape, np.uint8)
    for number, line in enumerate(made.lines[:MOST_LINES]):
        left, top, right, bottom = line.box
        if line.likeness < LEGIBLE:
            grown = round(0.4 * line.size)
            marks[max(top - grown, 0) : bottom + grown, max(left - grown, 0) : right + grown] |= _IGNORED
            continue
        marks[top:bottom, left:right] = (marks[top:bottom, left:right] & _IGNORED) | (number + 1)
        marks[_core(line)] |= _KERNEL
    return marks


def _core(line: LetteredLine) -> tuple[slice, slice]:
    left, top, right, bottom = line.box
    across = (right - left) if line.turn else (bottom - top)
    grown = 0.15 * across
    half, shrink = KERNEL_HEIGHT * (across + 2 * grown) / 2, 0.42 * (across + 2 * grown) - grown
    if line.turn:
        middle = (left + right) / 2
        return slice(round(top + shrink), round(bottom - shrink)), slice(round(middle - half), round(middle + half) + 1)
    middle = (top + bottom) / 2
    return slice(round(middle - half), round(middle + half) + 1), slice(round(left + shrink), round(right - shrink))


class _Samples(IterableDataset[tuple[Tensor, Tensor, Tensor]]):
    def __init__(self, fonts: Path, seed: int) -> None:
        self._fonts, self._seed = fonts, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        cv2.setNumThreads(1)
        lettering = Lettering(rng, typefaces(self._fonts), sideways=SIDEWAYS_SHARE)
        while True:
            made = sample(lettering, rng)
            yield tuple(torch.from_numpy(each) for each in (made.picture, made.alone, made.marks))


class Task:
    """Teacher, pupil, and what the pupil is asked."""

    def __init__(self, base: Path, device: str) -> None:
        self.device = device
        self.teacher = Graph(base).to(device).eval()
        self.pupil = Graph(base).to(device)
        self._logits = self.pupil.before_last

    def _values(self, pictures: Tensor) -> Tensor:
        grey = (pictures.to(self.device).float()[:, None] / 255 - MEAN) / STD
        return grey.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)

    def map_of(self, network: Graph, pictures: Tensor) -> Tensor:
        """Before the sigmoid; shape (pictures, SIDE, SIDE)."""
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            return network(self._values(pictures), self._logits)[:, 0].float()

    @torch.no_grad()
    def wanted(self, alone: Tensor, marks: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What each pixel shall be, what it weighs, the flat number of its line, and whether it is of a core."""
        told = torch.sigmoid(self.map_of(self.teacher, alone))
        marks = marks.to(self.device)
        number = (marks & 63).long()
        count = len(marks)
        flat = number + 64 * torch.arange(count, device=self.device)[:, None, None]
        best = torch.zeros(64 * count, device=self.device)
        best.scatter_reduce_(0, flat.reshape(-1), told.reshape(-1), "amax")
        missed = (best < SEEN)[flat] & (number > 0)
        core = (marks & _KERNEL) > 0
        target = torch.where(missed, torch.maximum(told, core.float()), told)
        near = functional.max_pool2d((number > 0).float()[:, None], 25, 1, 12)[:, 0]
        target = target * near  # the teacher saw what is no line: the seam of a part
        weight = ((marks & _IGNORED) == 0).float()
        return target, weight, flat, core & (number > 0)

    def loss(self, pictures: Tensor, alone: Tensor, marks: Tensor) -> Tensor:
        """Focal cross-entropy of each pixel, and what the two maps do not share."""
        target, weight, _, _ = self.wanted(alone, marks)
        logits = self.map_of(self.pupil, pictures)
        seen = torch.sigmoid(logits)
        each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        focal = (each * (seen - target).abs().detach() * weight).sum() / ((target * weight).sum() + 100)
        shared = (seen * target * weight).sum((1, 2))
        dice = 1 - (2 * shared + 20) / ((seen**2 * weight).sum((1, 2)) + (target**2 * weight).sum((1, 2)) + 20)
        return 2 * focal + dice.mean()


@torch.no_grad()
def measured(task: Task, network: Graph, held: list[tuple[Tensor, Tensor, Tensor]]) -> dict[str, float]:
    """Of lines that can be read, how many are seen; of pixels far from any, how many of a million are taken for it."""
    found, lines, stray, ground, apart = 0, 0, 0.0, 0.0, 0.0
    for pictures, alone, marks in held:
        target, weight, flat, core = task.wanted(alone, marks)
        seen = torch.sigmoid(task.map_of(network, pictures))
        best, there = (torch.zeros(64 * len(marks), device=task.device) for _ in range(2))
        best.scatter_reduce_(0, flat[core], seen[core], "amax")
        there[flat[core]] = 1
        found += int(((best > SEEN) & (there > 0)).sum())
        lines += int(there.sum())
        bare = (target < 0.05) & (weight > 0)
        stray += float(((seen > 0.3) & bare).sum())
        ground += float(bare.sum())
        apart += float(((seen - target).abs() * weight).sum() / (target * weight).sum())
    return {
        "lines": lines,
        "seen": found / max(lines, 1),
        "stray_ppm": 1e6 * stray / max(ground, 1),
        "apart": apart / max(len(held), 1),
    }


def main() -> None:
    """Trains for so many seconds, and measures both networks on pictures that are kept apart."""
    asked = argparse.ArgumentParser()
    for name, kind in (("--base", Path), ("--fonts", Path), ("--out", Path), ("--seconds", float)):
        asked.add_argument(name, type=kind, required=True)
    asked.add_argument("--workers", type=int, default=9)
    asked.add_argument("--batch", type=int, default=24)
    asked.add_argument("--rate", type=float, default=2e-4)
    asked.add_argument("--device", default="cuda")
    asked.add_argument("--held", type=int, default=10)
    args = asked.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    task = Task(args.base, args.device)

    def loader(seed: int) -> Iterator[Any]:
        workers = args.workers
        return iter(
            DataLoader(
                _Samples(args.fonts, seed),
                args.batch,
                num_workers=workers,
                pin_memory=args.device == "cuda",
                prefetch_factor=4 if workers else None,
            )
        )

    stream = loader(1)
    held = [next(stream) for _ in range(args.held)]
    before = measured(task, task.teacher, held)
    print("before", before, f"{time.monotonic() - began:.0f} s", flush=True)
    kept, losses, steps = _train(task, stream, args, began)
    kept.save(args.out / "det-alone.onnx")
    kept.blend(task.teacher, OLD_SHARE)
    kept.save(args.out / "det.onnx")
    after = measured(task, kept, held)
    print("after", after, flush=True)
    facts = {"before": before, "after": after, "steps": steps, "batch": args.batch, "losses": losses}
    (args.out / "det.json").write_text(json.dumps(facts, indent=1) + "\n")


def _train(task: Task, stream: Iterator[Any], args: argparse.Namespace, began: float) -> tuple[Graph, list[float], int]:
    """The running mean of the weights, the losses, and how many steps there was time for."""
    kept = copy.deepcopy(task.pupil)
    chosen = torch.optim.AdamW(task.pupil.parameters(), args.rate, weight_decay=0.01)
    start, told, steps = time.monotonic(), time.monotonic(), 0
    losses: list[float] = []
    recent = torch.zeros((), device=task.device)
    while (share := (time.monotonic() - start) / max(args.seconds - (start - began), 1)) < 1:
        rate = args.rate * min((steps + 1) / 100, 1) * (0.5 + 0.5 * math.cos(math.pi * share))
        for group in chosen.param_groups:
            group["lr"] = rate
        loss = task.loss(*next(stream))
        chosen.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(task.pupil.parameters(), 1.0)
        chosen.step()
        steps += 1
        decay = min(0.998, steps / (steps + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(kept.parameters()), list(task.pupil.parameters()), 1 - decay)
        recent = recent + loss.detach()
        if steps % 50 == 0:
            losses.append(float(recent) / 50)
            recent = torch.zeros((), device=task.device)
            if time.monotonic() - told > 10:
                told = time.monotonic()
                print(f"{told - start:.0f} s, step {steps}, loss {losses[-1]:.4f}", flush=True)
    return kept, losses, steps


if __name__ == "__main__":
    main()
