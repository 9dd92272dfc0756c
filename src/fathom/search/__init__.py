"""A search for better settings of one network on one data set. Read in this order:

1. `commands`: the command lines. `search_command`: what `fathom search` does and prints.
2. `space`: what a search may try, as conf/search/space/*.yaml describes it.
3. `base_settings`: from the values of a trial to the settings of a stage, and to those of a
   DVC experiment, which `dvc_experiment` runs.
4. `study`: the Optuna study of a search on disk, its sampler and its pruner.
5. `search`: runs trials until enough have finished.
6. `trial`, `trainer_pool`: one trial, to the same bits as the stage `train`.
7. `ray_engine`, `ray_actor`: trials on a Ray cluster instead of threads.
8. `best_trials`: metrics and ensembles of the best trials.
9. `apply`: the settings of a trial as an experiment in conf/.

The validation set decides, or folds of the training and validation set. The test set is read once,
at the end.
"""
