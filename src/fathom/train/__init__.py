"""From a problem and a network to a trained model. Read in this order:

1. `train`: the network is built and compiled once (`building`; `compiling`: loss, metrics,
   optimiser), and trained from each of its seeds (`repeats`, `runs`).
2. `feeds`: the rows, as tensors on the device, or read from disk window by window (`examples`:
   what of a row is input, target and weight).
3. `programs` and `compiled`: the training loop of the tutorials, which goes over epochs, batches,
   `GradientTape` and update. Here the loop over epochs is Python, with Keras' callbacks
   (`callbacks`); the loop over batches is one program on the device, which gathers rows and calls
   Keras' own `Model.train_step` (there is the tape). Python is called back once an epoch, or once
   a second if epochs are longer. `reference` does the same by Keras' `fit`; so do the workers
   of a Ray cluster, each its share (`together`, `member`, `shares`).
4. `checkpoint` and `fingerprint`: how a killed training goes on.
5. `saving` and `writing`: the outputs.

`devices` comes before all: it decides what TensorFlow may use, before TensorFlow is imported.

The same seed gives the same bits on the same machine: rows come in an order that depends on seed
and epoch alone (`feeds`), random layers count their states up from the seed, and TensorFlow is
told to be deterministic. XLA and graphs round differently, so that a rule chooses between them and
never a trial run (`programs`). Other versions of TensorFlow, another processor or another number
of threads may round differently, too.
"""
