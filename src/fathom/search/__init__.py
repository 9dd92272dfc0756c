"""A search for better settings of one network on one data set. Read in this order:

1. `space`: what is tried, as conf/search/space/*.yaml describes it, and one choice from it.
2. `settings`: from such a choice to checked settings, as a stage gets them.
3. `study`: what Optuna keeps of the trials, on disk, and how a search goes on.
4. `trial_data`, `trainer_pool`, `trial`: one trial, trained by the same engine as by the stage
   `train` and with the same bits. A program that was compiled for one trial
   trains the next of its shape.
5. `local` and `cluster`: who carries trials out, the threads of this process or a Ray cluster.
6. `search`: all of it, then `ensemble`, `outcome` and `experiments` make something of the best.

The validation part, or folds of it and the training part, decides. The test part is read once, when
all is decided.
"""
