"""Networks that a user could write, as the text of a module."""

OWN = """
import keras


@keras.saving.register_keras_serializable("own")
class Ramp(keras.initializers.Initializer):
    def __init__(self, top):
        self.top = top

    def __call__(self, shape, dtype=None):
        return keras.ops.cast(keras.ops.linspace(0.5, self.top, shape[0]), dtype)

    def get_config(self):
        return {"top": self.top}


@keras.saving.register_keras_serializable("own")
class Gate(keras.layers.Layer):
    def build(self, shape):
        self.gate = self.add_weight(shape=(shape[-1],), initializer=Ramp(2.0), name="gate")

    def call(self, x):
        return x * self.gate


@keras.saving.register_keras_serializable("own")
class Net(keras.Model):
    def __init__(self, width, classes, **others):
        super().__init__(**others)
        self.settings = {"width": width, "classes": classes}
        self.stack = [
            keras.layers.Flatten(),
            keras.layers.Dense(width, activation="tanh"),
            Gate(),
            keras.layers.Dense(classes, activation="softmax"),
        ]

    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return x

    def get_config(self):
        return super().get_config() | self.settings


def build(problem, width):
    return Net(width, problem.main.units)


def sequential(problem, width):
    layers = [keras.layers.Flatten(), keras.layers.Dense(width, activation="elu")]
    return keras.Sequential([*layers, keras.layers.Dense(1)])


def sequential_with_input(problem, width):
    layers = [keras.Input(problem.shape), keras.layers.Dense(width, activation="elu")]
    return keras.Sequential([*layers, keras.layers.Dense(1)])
"""
OWN_SETTINGS = "_target_: own_net.{}\nwidth: 12\nlearning_rate: 0.01\n"
