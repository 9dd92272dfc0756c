"""Sets environment variables that libraries and started programs read when they load."""

import os

# Keras imports JAX if it is installed, which sets this to 1, also for started programs.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Several threads of boosting would wait for those of TensorFlow and of other test processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Ray's workers, by default of niceness 15, would wait for other test processes.
os.environ.setdefault("RAY_worker_niceness", "0")
