"""Variables that libraries, and programs that tests start, read when they are loaded."""

import os

# Keras imports JAX where it is there, which sets this to 1, also for the programs that tests start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Boosting on several threads waits for those of TensorFlow, and for other test processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
