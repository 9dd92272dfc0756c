"""Trains the same network by PyTorch's usual loop, from the same weights:

python bench/torch_loop.py [THREADS]

Rows are shuffled as a whole and cut into batches: a DataLoader, which puts batches together row by
row, takes several times as long. Adam is the fused one, the fastest that PyTorch has.
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import torch
from numpy.typing import NDArray
from prepared import Arrays, Facts, Layer
from torch import Tensor, nn
from torch.nn import functional
from turns import take_turns

from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig

Network = Callable[[Sequence[Tensor]], list[Tensor]]
Loss = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]

ACTIVATIONS = {"relu": nn.ReLU, "selu": nn.SELU}
OPTIMIZERS = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}
LOSSES: dict[str, Any] = {
    "regression": functional.mse_loss,
    "classification": functional.cross_entropy,
}


def main(threads: list[str]) -> None:
    for number in threads:
        torch.set_num_threads(int(number))
    facts, arrays = Facts.read(), Arrays.read()
    config = compose(facts.overrides, NetworkConfig)
    torch.manual_seed(config.seed)
    inputs = [torch.from_numpy(array).flatten(1) for array in arrays.inputs]
    targets = [tensor_of(array) for array in arrays.targets]
    layers = nn.ModuleDict({layer.name: linear(layer, arrays) for layer in facts.layers})
    network = network_of(layers, config)
    parameters = list(layers.parameters())
    rates = learning_rates(config, -(-facts.rows // facts.batch_size))
    optimizer = optimizer_of(parameters, config)
    clipnorm = config.train.optimizer.arguments.get("clipnorm")
    loss_of = loss_function(config)

    def epoch() -> float:
        order = torch.randperm(facts.rows)
        shuffled = [array[order].split(facts.batch_size) for array in (*inputs, *targets)]
        total = torch.zeros(())
        for batch in zip(*shuffled, strict=True):
            x, y = batch[: len(inputs)], batch[len(inputs) :]
            loss = loss_of(network(x), y)
            optimizer.zero_grad()
            loss.backward()
            if clipnorm:
                clip(parameters, clipnorm)
            optimizer.param_groups[0]["lr"] = next(rates)
            optimizer.step()
            total += loss.detach() * len(y[0])
        return float(total) / facts.rows

    take_turns(epoch)


def tensor_of(target: NDArray[Any]) -> Tensor:
    """Return numbers as they are, and classes in the type that PyTorch's loss takes."""
    tensor = torch.from_numpy(target)
    return tensor if tensor.is_floating_point() else tensor.long()


def linear(layer: Layer, arrays: Arrays) -> nn.Linear:
    made = nn.Linear(*layer.shape, bias=layer.bias)
    made.weight.data = torch.from_numpy(arrays.weights[layer.name].T.copy())
    if layer.bias:
        made.bias.data = torch.from_numpy(arrays.weights[f"{layer.name}.bias"])
    return made


def network_of(layers: nn.ModuleDict, config: NetworkConfig) -> Network:
    """Return a stack of layers, or Wide & Deep, as a function of inputs."""
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


def loss_function(config: NetworkConfig) -> Loss:
    """Return the loss of the one output, or of the main and the auxiliary one, as weighted."""
    of_output, weights = LOSSES[config.dataset.task], config.model.loss_weights or {}

    def of_one(outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        return of_output(outputs[0], targets[0])

    def of_two(outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        main, auxiliary = map(of_output, outputs, targets)
        return weights["main_output"] * main + weights["aux_output"] * auxiliary

    return of_two if weights else of_one


def optimizer_of(parameters: list[Tensor], config: NetworkConfig) -> Any:
    settings = config.train.optimizer
    decay = settings.arguments.get("weight_decay") or 0.0
    kind = OPTIMIZERS[settings.target.rpartition(".")[2]]
    return kind(parameters, eps=1e-7, weight_decay=decay, fused=True)


def clip(parameters: list[Tensor], norm: float) -> None:
    """Make each gradient at most so long, each by itself as Keras does."""
    gradients = [parameter.grad for parameter in parameters]
    lengths = torch.stack(torch._foreach_norm(gradients))
    torch._foreach_mul_(gradients, list((norm / lengths).clamp(max=1.0)))


def learning_rates(config: NetworkConfig, steps: int) -> Iterator[float]:
    """Return each step's learning rate: constant, or Keras' `CosineDecay` down to 0."""
    rate = config.train.optimizer.arguments.get("learning_rate", config.model.learning_rate)
    last = steps * config.train.epochs
    for step in count():
        progress = min(step / last, 1.0) if config.train.schedule else 0.0
        yield rate * (1 + math.cos(math.pi * progress)) / 2


if __name__ == "__main__":
    main(sys.argv[1:])
