"""From a problem and a network to a trained model: devices, compilation, callbacks, saving."""
