"""`fathom fit`: from a file to a trained, reported and exported model, within a time.

1. `fit_command`: the command line. `request`: what it asks for, and the data set. `fit`: the
   steps, each an ordinary command of Fathom.
2. `plan`: what of the search, of the folds and of the export the time allows.
3. `progress`: what was done before a kill, the clock, and the last lines. `lists`: those in
   params.yaml.
4. `processes`: commands, which are stopped if they would take too long.
"""
