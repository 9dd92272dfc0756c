"""Wide & Deep network with an auxiliary output."""

import keras
from pydantic import validate_call

from fathom.config.schema import Section
from fathom.data.schema import Problem
from fathom.models.layers import (
    CHECKED,
    Activation,
    Initializer,
    Penalty,
    Rate,
    Units,
    features,
    hidden_layer,
    output,
)


class Deep(Section):
    """Settings of the deep path, as in `fathom.models.mlp.build`."""

    units: Units
    activation: Activation
    kernel_initializer: Initializer
    batch_normalization: bool
    dropout: Rate
    l2: Penalty


@validate_call(config=CHECKED)
def build(problem: Problem, deep: Deep, auxiliary: bool) -> keras.Model:
    """Build a linear path and a deep path that meet in the main output.

    `wide_input` goes straight to `main_output`, where weights are learned by heart; `deep_input`
    goes through dense layers, which generalise (Cheng et al. 2016, arXiv 1606.07792). An
    auxiliary output on the deep path makes it useful on its own (Géron's book, chapter 10).

    Args:
        problem: gives the columns of both inputs and what both outputs predict.
        deep: the dense layers of the deep path.
        auxiliary: whether there is an `aux_output`.
    """
    wide_input, wide = features(problem, "wide_input")
    deep_input, x = features(problem, "deep_input")
    for width in deep.units:
        x = hidden_layer(
            x, width, deep.activation, deep.kernel_initializer, deep.batch_normalization, deep.l2
        )
        if deep.dropout:
            x = keras.layers.Dropout(deep.dropout)(x)
    outputs = [output(keras.layers.Concatenate()([wide, x]), problem, "main_output")]
    if auxiliary:
        outputs.append(output(x, problem, "aux_output"))
    return keras.Model([wide_input, deep_input], outputs, name="wide_deep")
