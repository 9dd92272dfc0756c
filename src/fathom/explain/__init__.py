"""Stage `explain`: which inputs move a network's predictions. Read in this order:

1. `explain`: explains the best network on the validation set.
2. `importance`: the effect of each raw column, and of pairs of them, and crosses for the wide path;
   `shapley` computes Shapley values.
3. `saliency`: the effect of each pixel on the probability of the predicted class.
"""
