"""Your own networks, callbacks, optimizers and schedules, for `_target_: own.<module>.<name>`.

A change here reruns only the trainings that use the changed file: see the stage `collect`.
"""
