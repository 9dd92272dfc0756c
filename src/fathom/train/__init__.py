"""Trains a network on the scaled data. Read in this order:

1. `train`: one network from each of its seeds. `devices`: GPUs, cores and memory.
2. `build`: builds and compiles the network (`optimizers`: one optimizer for each path of Wide &
   Deep).
3. `feeds`: the rows, in memory or read from disk, as inputs, targets and weights.
4. `trainer`: model, feeds and programs together. `runs`: one training from one seed. `folds`: the
   rows of each run with `train.folds`.
5. `compiled_fit`: the training loop. The loop over epochs is Python with Keras' callbacks
   (`callbacks`); the loop over batches is one compiled program around Keras' own
   `Model.train_step` (`programs`). `scalars`: the numbers that a program takes as inputs.
   `metric_programs`: what resets and reads loss and metrics. `keras_fit`: the same training by
   Keras' `fit`.
6. `checkpoint`, `fingerprint`: how a killed training resumes.
7. `predictor`, `outputs`: predictions and files.
8. `ray`: one training on several hosts; skip it unless you use it.

The same seed gives the same bits on the same machine: the order of the rows depends only on seed
and epoch, random layers count their states up from the seed, TensorFlow runs deterministically,
and a rule chooses between XLA and graphs, which round differently. Other versions of TensorFlow,
processors or numbers of threads may round differently, too.
"""
