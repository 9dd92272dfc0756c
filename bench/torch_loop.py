"""Trains the same network by PyTorch's usual loop, from the same initial weights:

python bench/torch_loop.py [THREADS]

It slices batches from shuffled rows: a DataLoader, which collates row by row, takes several times
as long. Adam is the fused one, the fastest of PyTorch.
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import torch
from epoch_server import PreparedCase, serve_epochs
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig
from fathom.train.steps import number_of_epochs, steps_of_epoch

ACTIVATIONS = {"relu": nn.ReLU, "selu": nn.SELU}


def main(threads: list[str]) -> None:
    if threads:
        torch.set_num_threads(int(threads[0]))
    case = PreparedCase.read()
    config = compose(case.overrides, NetworkConfig)
    torch.manual_seed(config.seed)
    inputs = [torch.from_numpy(array).flatten(1) for array in case.inputs]
    targets = [to_tensor(array) for array in case.targets]
    layers = nn.ModuleDict({name: linear(name, case) for name in case.kernels})
    forward = make_forward(layers, config)
    parameters = list(layers.parameters())
    rates = learning_rates(config, case.rows)
    optimizer = make_optimizer(parameters, config)
    clipnorm = config.train.optimizer.arguments.get("clipnorm")
    loss = make_loss(config)

    def train_epoch() -> float:
        order = torch.randperm(case.rows)
        shuffled = [array[order].split(case.batch_size) for array in (*inputs, *targets)]
        total = torch.zeros(())
        for batch in zip(*shuffled, strict=True):
            x, y = batch[: len(inputs)], batch[len(inputs) :]
            value = loss(forward(x), y)
            optimizer.zero_grad()
            value.backward()
            if clipnorm:
                clip(parameters, clipnorm)
            optimizer.param_groups[0]["lr"] = next(rates)
            optimizer.step()
            total += value.detach() * len(y[0])
        return float(total) / case.rows

    serve_epochs(train_epoch)


def to_tensor(target: NDArray[Any]) -> Tensor:
    """Return a target in the type that PyTorch's losses take: classes are 64-bit integers."""
    tensor = torch.from_numpy(target)
    return tensor if tensor.is_floating_point() else tensor.long()


def linear(name: str, case: PreparedCase) -> nn.Linear:
    kernel, bias = case.kernels[name], case.weights.get(f"{name}.bias")
    module = nn.Linear(*kernel.shape, bias=bias is not None)
    module.weight.data = torch.from_numpy(kernel.T.copy())
    if bias is not None:
        module.bias.data = torch.from_numpy(bias)
    return module


def make_forward(
    layers: nn.ModuleDict, config: NetworkConfig
) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """Return a function from inputs to outputs: a stack of layers, or Wide & Deep."""
    settings = config.model.arguments
    activation = ACTIVATIONS[settings.get("deep", settings)["activation"]]
    dense = [layer for name, layer in layers.items() if name.startswith("dense")]
    hidden = nn.Sequential(*(module for layer in dense for module in (layer, activation())))

    def stack(inputs: Sequence[Tensor]) -> list[Tensor]:
        return [layers["main_output"](hidden(inputs[0]))]

    def wide_and_deep(inputs: Sequence[Tensor]) -> list[Tensor]:
        wide, x = layers["wide_linear"](inputs[0]), hidden(inputs[1])
        return [wide + layers["deep_linear"](x), layers["aux_output"](x)]

    return wide_and_deep if "deep_linear" in layers else stack


def make_loss(config: NetworkConfig) -> Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]:
    """Return the loss of the only output, or the weighted loss of main and auxiliary output."""
    regression, weights = config.dataset.task == "regression", config.model.loss_weights
    loss = functional.mse_loss if regression else functional.cross_entropy

    def weighted(outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        assert weights is not None
        main, auxiliary = map(loss, outputs, targets)
        return weights["main_output"] * main + weights["aux_output"] * auxiliary

    return weighted if weights else lambda outputs, targets: loss(outputs[0], targets[0])


def make_optimizer(parameters: list[Tensor], config: NetworkConfig) -> Any:
    settings = config.train.optimizer
    optimizer = getattr(torch.optim, settings.target.rpartition(".")[2])
    decay = settings.arguments.get("weight_decay") or 0.0
    return optimizer(parameters, eps=1e-7, weight_decay=decay, fused=True)


def clip(parameters: list[Tensor], norm: float) -> None:
    """Limit the norm of each gradient by itself, as Keras does."""
    gradients = [parameter.grad for parameter in parameters]
    norms = torch.stack(torch._foreach_norm(gradients))
    torch._foreach_mul_(gradients, list((norm / norms).clamp(max=1.0)))


def learning_rates(config: NetworkConfig, rows: int) -> Iterator[float]:
    """Yield the learning rate of each step: constant, or Keras' `CosineDecay` to 0."""
    rate = config.train.optimizer.arguments.get("learning_rate", config.model.learning_rate)
    last = steps_of_epoch(config.train, rows) * number_of_epochs(config.train, rows)
    for step in count():
        progress = min(step / last, 1.0) if config.train.schedule else 0.0
        yield rate * (1 + math.cos(math.pi * progress)) / 2


if __name__ == "__main__":
    main(sys.argv[1:])
