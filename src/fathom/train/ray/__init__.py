"""Trains one network in several processes of a Ray cluster. Read in this order:

1. `driver`: the process of the stage. On TensorFlow it builds the network and its first weights,
   starts the workers, and receives the trained weights.
2. `worker`: the processes of Ray Train, which train by Keras' `fit` on JAX.
3. `shares`: the rows of each batch that a worker trains on.
4. `cluster`: how a process joins a Ray cluster; a search uses it, too.
"""
