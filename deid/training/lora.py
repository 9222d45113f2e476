"""LoRA on the first layers of a Llama: the training itself. Needs torch and transformers (requirements-train.txt)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from deid.engines.prompt import Layout, Vocabulary
from deid.errors import UsageError
from deid.training.config import TrainConfig
from deid.training.evaluate import area_under_curve, specificity_at_recall
from deid.training.export import Heads, read_adapter
from deid.training.samples import Sample, batches

LINEARS = {
    "self_attn": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "mlp": ("gate_proj", "up_proj", "down_proj"),
}
WARM_UP_STEPS = 15
SECONDS_TOLD = 15
ATTENTION = {"cpu": "eager", "cuda": "sdpa"}
"""The quicker of transformers' own on each."""


class LoraLinear(nn.Module):
    """A frozen linear layer with a trained one of low rank beside it."""

    def __init__(self, base: nn.Linear, rank: int, scale: float) -> None:
        super().__init__()
        self.base, self.scale = base, scale
        device = base.weight.device
        self.a = nn.Parameter(torch.randn(rank, base.in_features, device=device) / math.sqrt(base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank, device=device))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's output with the adapter's added."""
        inner = F.linear(x, self.a.to(x.dtype) * self.scale).flatten(0, -2)
        plain = self.base(x)
        return torch.addmm(plain.flatten(0, -2), inner, self.b.to(x.dtype).T).view_as(plain)


@dataclass(frozen=True, slots=True)
class Run:
    """What a training reads beside its configuration, and where it leaves what it makes."""

    base: Path
    checkpoint: Path
    """Written now and then, and read to resume."""
    resume: bool
    keep: Callable[[dict[str, torch.Tensor]], None]
    """Called with the adapter's weights at each checkpoint and at the end."""
    say: Callable[[str], None]
    others: Sequence[Sample] = ()
    """Pictures that are not trained on, by which one sees how it goes."""


@dataclass(slots=True)
class Trainee:
    """A model with its adapter, as it is trained."""

    model: Any
    head: torch.Tensor
    """Difference of the two answers' rows of the output layer."""
    vocabulary: Vocabulary

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What is trained."""
        return [each for each in self.model.parameters() if each.requires_grad]

    def state(self) -> dict[str, torch.Tensor]:
        """The adapter's weights by name."""
        return {name: each.detach().cpu().clone() for name, each in self.model.named_parameters() if each.requires_grad}

    def mask(self, real: torch.Tensor) -> torch.Tensor:
        """(pictures, 1 or tokens, tokens): what each token may look at; `real` are those that are no padding."""
        return real[:, None, :]

    def scores(self, laid: Sequence[Layout]) -> torch.Tensor:
        """Logit of PHI for each word of the pictures."""
        device = self.head.device
        width = max(len(each.tokens) for each in laid)
        tokens = torch.full((len(laid), width), self.vocabulary.newline)
        real = torch.zeros(len(laid), width, dtype=torch.bool)
        for row, each in enumerate(laid):
            tokens[row, : len(each.tokens)] = torch.tensor(each.tokens)
            real[row, : len(each.tokens)] = True
        dtype = self.model.dtype
        mask = torch.zeros(len(laid), 1, width, width, dtype=dtype)
        mask = mask.masked_fill(~self.mask(real)[:, None], torch.finfo(dtype).min).to(device)
        hidden = self.model(input_ids=tokens.to(device), attention_mask=mask).last_hidden_state
        rows = torch.tensor([row for row, each in enumerate(laid) for _ in each.asked], device=device)
        places = torch.tensor([place for each in laid for place in each.asked], device=device)
        return hidden[rows, places].float() @ self.head


def make_trainee(config: TrainConfig, base: Path, vocabulary: Vocabulary, answers: tuple[int, int]) -> Trainee:
    """The base with a fresh adapter; `answers` are the tokens of PRIVATE and HARMLESS."""
    from transformers import AutoModelForCausalLM

    device = "cuda" if torch.cuda.is_available() else "cpu"
    place: dict[str, Any] = {"gguf_file": base.name} if base.is_file() else {}
    folder = base.parent if base.is_file() else base
    full = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, attn_implementation=ATTENTION[device], local_files_only=True, **place
    )
    model = full.model
    if config.layers:
        model.layers = model.layers[: config.layers]
        model.config.num_hidden_layers = len(model.layers)
    model.config.use_cache = False
    for each in full.parameters():
        each.requires_grad_(False)
    rows = full.get_output_embeddings().weight
    head = (rows[answers[0]].float() - rows[answers[1]].float()).detach().to(device)
    model.to(device)
    torch.manual_seed(config.seed)
    for layer in model.layers:
        for part, names in LINEARS.items():
            for name in names:
                owner = getattr(layer, part)
                setattr(owner, name, LoraLinear(getattr(owner, name), config.rank, config.alpha / config.rank))
    trainee = Trainee(model, head, vocabulary)
    if config.start_adapter:
        heads = Heads(model.config.num_attention_heads, model.config.num_key_value_heads)
        _start_from(trainee, read_adapter(Path(config.start_adapter).expanduser(), heads))
    return trainee


def _start_from(trainee: Trainee, weights: dict[str, Any]) -> None:
    fresh = {name: tuple(each.shape) for name, each in trainee.state().items()}
    if {name: each.shape for name, each in weights.items()} != fresh:
        raise UsageError("The adapter to start from is of another base, rank or number of layers.")
    trainee.model.load_state_dict({name: torch.from_numpy(each) for name, each in weights.items()}, strict=False)


def train(config: TrainConfig, trainee: Trainee, run: Run) -> None:
    """Trains for the seconds of the configuration."""
    parameters = trainee.parameters
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.0)
    spent, step, chunk, mean = 0.0, 0, 0, 0.0
    if run.resume and run.checkpoint.is_file():
        kept = torch.load(run.checkpoint, weights_only=True)
        trainee.model.load_state_dict(kept["adapter"], strict=False)
        optimiser.load_state_dict(kept["optimiser"])
        spent, step, chunk, mean = kept["spent"], kept["step"], kept["chunk"] + 1, kept["mean"]
        run.say(f"resumed at step {step} after {spent:.0f} s")

    def keep() -> None:
        progress = {"spent": spent, "step": step, "chunk": chunk, "mean": mean}
        _save(run.checkpoint, trainee, optimiser, progress)
        run.keep(trainee.state())

    trainee.model.train()
    began, saved, told = time.monotonic() - spent, spent, spent
    words = 0
    with closing(batches(config, run.base, trainee.vocabulary, chunk)) as drawn:
        for chunk, group in drawn:  # noqa: B007 - kept with the checkpoint
            spent = time.monotonic() - began
            if spent >= config.seconds:
                break
            for each in optimiser.param_groups:
                each["lr"] = rate(config, step, spent / config.seconds)
            loss = loss_of(trainee, group)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            step, words = step + 1, words + sum(len(each.labels) for each in group)
            mean = loss.item() if step == 1 else 0.97 * mean + 0.03 * loss.item()
            if spent - told >= SECONDS_TOLD or step == 1:
                run.say(f"step {step}  {spent:.0f} of {config.seconds:.0f} s  {words} words  loss {mean:.4f}")
                told = spent
            if spent - saved >= config.checkpoint_seconds:
                keep()
                run.say(f"other pictures: {held_out(trainee, run.others)}")
                saved = spent
    keep()
    trainee.model.eval()
    run.say(f"trained for {step} steps, loss {mean:.4f}; other pictures: {held_out(trainee, run.others)}")


def loss_of(trainee: Trainee, group: Sequence[Sample]) -> torch.Tensor:
    """Cross entropy over the words that count."""
    labels = [label for each in group for label in each.labels]
    device = trainee.head.device
    counted = torch.tensor([label is not None for label in labels], device=device)
    wanted = torch.tensor([float(bool(label)) for label in labels], device=device)
    return F.binary_cross_entropy_with_logits(trainee.scores([each.layout for each in group])[counted], wanted[counted])


def held_out(trainee: Trainee, others: Sequence[Sample]) -> str:
    """What is reached on pictures that are not trained on, in a few words."""
    if not others:
        return "none"
    with torch.no_grad():
        scores = np.concatenate([trainee.scores([each.layout]).cpu().numpy() for each in others])
    labels = [label for each in others for label in each.labels]
    counted, phi = np.array([label is not None for label in labels]), np.array([bool(label) for label in labels])
    private, harmless = scores[counted & phi], scores[counted & ~phi]
    area, share = area_under_curve(private, harmless), specificity_at_recall(private, harmless)
    return f"AUC {area:.4f}, specificity at recall 0.995 {share:.3f}"


def rate(config: TrainConfig, step: int, done: float) -> float:
    """The learning rate: a few steps of warming up, then a cosine over the share that is done."""
    falling = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return config.learning_rate * min(1.0, (step + 1) / WARM_UP_STEPS) * falling


def _save(path: Path, trainee: Trainee, optimiser: torch.optim.Optimizer, progress: dict[str, float]) -> None:
    part = path.with_suffix(".part")
    torch.save({"adapter": trainee.state(), "optimiser": optimiser.state_dict(), **progress}, part)
    part.replace(path)
