"""An optimizer that updates the wide path by one optimizer and the rest by another."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("fathom")
class WideAndDeep(keras.optimizers.Optimizer):
    """Updates layers whose names begin with `wide` by one optimizer and all others by another.

    FTRL (McMahan et al. 2013) keeps the wide weights of rare crosses at 0, while an optimizer such
    as Adam trains the deep path (Cheng et al. 2016, arXiv 1606.07792). The learning rate that
    callbacks read and set is that of the deep path.
    """

    def __init__(
        self, wide: keras.Optimizer, deep: keras.Optimizer, name: str = "wide_and_deep"
    ) -> None:
        super().__init__(learning_rate=0.0, name=name)
        self.wide, self.deep = wide, deep

    def build(self, variables: list[keras.Variable]) -> None:
        if not self.built:
            self.wide.build([variable for variable in variables if is_wide(variable)])
            self.deep.build([variable for variable in variables if not is_wide(variable)])
            super().build(variables)

    def apply(
        self, grads: list[Any], trainable_variables: list[keras.Variable] | None = None
    ) -> None:
        variables = trainable_variables or self._trainable_variables  # JAX passes none
        with keras.name_scope(self.name):
            self.build(variables)
            pairs = list(zip(grads, variables, strict=True))
            for optimizer, wide in ((self.wide, True), (self.deep, False)):
                chosen = [(grad, variable) for grad, variable in pairs if is_wide(variable) is wide]
                optimizer.apply(*map(list, zip(*chosen, strict=True)))
            self.iterations.assign_add(1)

    @property
    def variables(self) -> list[keras.Variable]:
        return [*self._variables, *self.wide.variables, *self.deep.variables]

    @property
    def learning_rate(self) -> Any:
        return self.deep.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        self.deep.learning_rate = rate

    def get_config(self) -> dict[str, Any]:
        serialize = keras.optimizers.serialize
        return {"wide": serialize(self.wide), "deep": serialize(self.deep), "name": self.name}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "WideAndDeep":
        wide, deep = (
            keras.optimizers.deserialize(config[path], custom_objects) for path in ("wide", "deep")
        )
        return cls(wide, deep, config["name"])


def is_wide(variable: keras.Variable) -> bool:
    """Tell whether a variable belongs to a layer whose name begins with `wide`."""
    return bool(variable.path.split("/")[-2].startswith("wide"))
