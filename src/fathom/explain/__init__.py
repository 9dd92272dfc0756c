"""Why a network predicts what it predicts. Read in this order:

1. `explain`: takes the network that is best on the validation part, and writes what is found.
2. `tables`: how much each raw column, and each pair of them, moves predictions. `sizes` settles
   how many rows are explained and how exactly, `coalitions` makes rows of which only some columns
   are known, `shapley` weighs what the network predicts for them, and `crosses` says which pairs
   the wide path could be given.
3. `images`: which pixels move the probability of the predicted class.
"""
